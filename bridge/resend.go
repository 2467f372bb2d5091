package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Resend resets the expiry of an invitation, revives it if it has expired, and
// issues an additional token; the invitee is notified again. Blocking hooks are
// called before an expired invitation is revived, as before an invite.
//
// Errors: ErrNotFound; ErrAccepted; ErrRevoked, also if the identity was deleted;
// ErrIdentityInUse; ErrIdentityConflict if another invitation of that email address
// is pending, or the identities of expired invitations are deleted;
// ErrAcceptInProgress; ErrHookRefused, ErrHookUnavailable; ErrKratosUnavailable,
// ErrStoreUnavailable.
func (s *Service) Resend(ctx context.Context, id uuid.UUID) (IssuedInvitation, error) {
	return s.ResendWith(ctx, id, ResendParams{})
}

// ResendParams restrict a resend.
type ResendParams struct {
	// MaxPending is how many invitations by the creator of this one may be pending after
	// it was revived; 0: any number.
	MaxPending int
	NoToken    bool // the caller gets no token
	spaced     bool // see issuing
}

// ResendWith is Resend within restrictions.
//
// Errors: those of Resend; ErrTooManyPending.
func (s *Service) ResendWith(ctx context.Context, id uuid.UUID, p ResendParams) (IssuedInvitation, error) {
	return s.resendIf(ctx, id, p, func() error { return nil })
}

// resendIf is ResendWith, if check permits it. That is called under the lock of the
// address.
func (s *Service) resendIf(ctx context.Context, id uuid.UUID, p ResendParams, check func() error) (IssuedInvitation, error) {
	inv, err := s.Get(ctx, id)
	if err != nil {
		return IssuedInvitation{}, err
	}
	if _, err := inv.Resend(s.now()); errors.Is(err, ErrRevoked) {
		return IssuedInvitation{}, inv.Reason.revokedError()
	} else if errors.Is(err, ErrAccepted) {
		return IssuedInvitation{}, ErrAccepted.WithReasonf("The invitation was already accepted and cannot be resent.")
	} else if err != nil {
		return IssuedInvitation{}, err
	}
	if inv.State == StateExpired && s.config.Unaccepted == DeleteAtExpiry {
		return IssuedInvitation{}, ErrIdentityConflict.WithReasonf("The invitation has expired and its identity is deleted. Create a new invitation.")
	}
	if inv.State != StateExpired {
		p.MaxPending = 0 // it is pending already
	}
	if err := s.checkMayInvite(ctx, inv.CreatedBy, p.MaxPending); err != nil {
		return IssuedInvitation{}, err
	}
	held, err := s.lockBoth(ctx, inv)
	if err != nil {
		return IssuedInvitation{}, err
	}
	defer held.release(ctx)
	if err := check(); err != nil {
		return IssuedInvitation{}, callerError(err)
	}
	if err := s.askToRevive(ctx, inv); err != nil {
		return IssuedInvitation{}, err
	}
	return s.resend(ctx, inv, issuing{held: held, noToken: p.NoToken, spaced: p.spaced, put: withinPending(p.MaxPending, Tx.PutInvitation)}, func(_ Tx, inv Invitation, now time.Time) (Invitation, error) { return inv.Resend(now) })
}

// revokedError returns ErrRevoked with the reason, and what the inviter can do.
func (r Reason) revokedError() error {
	switch r {
	case ReasonInUse:
		return ErrRevoked.WithReasonf("The invitation was revoked because its identity was used, activated or changed. Check the identity in Kratos, and create a new invitation if it still needs one.")
	case ReasonGone:
		return ErrRevoked.WithReasonf("The invitation was revoked because its identity was deleted. Create a new invitation.")
	case ReasonRequested, ReasonInviter:
	}
	return ErrRevoked.WithReasonf("The invitation was revoked. Create a new invitation.")
}

// askToRevive calls the blocking hooks if the invitation has expired.
func (s *Service) askToRevive(ctx context.Context, inv Invitation) error {
	if inv.State != StateExpired {
		return nil
	}
	return s.callHooks(ctx, EventPreInvitation, inv)
}

// resend issues a token for the invitation that change returns, after checking that
// its identity is still not in use. The hooks have agreed. how.held is what lockBoth
// returns for it: the sweep may be about to delete the identity of an expired
// invitation.
func (s *Service) resend(ctx context.Context, inv Invitation, how issuing, change func(Tx, Invitation, time.Time) (Invitation, error)) (IssuedInvitation, error) {
	ctx, cancel := s.detachedContext(ctx)
	defer cancel()
	_, err := s.checkInvited(ctx, inv)
	if errors.Is(err, ErrRevoked) && inv.State == StateExpired {
		return IssuedInvitation{}, ErrIdentityConflict.WithReasonf("The identity of this invitation no longer exists. Create a new invitation.")
	} else if err != nil {
		return IssuedInvitation{}, err
	}
	now, expired := s.now(), []notification{s.prepare(EventInvitationExpired), s.prepare(EventInvitationExpired)}
	issued, err := s.issue(ctx, how, func(tx Tx) (_ Invitation, announce bool, err error) {
		if err := expireOld(tx, inv, now, expired); err != nil {
			return inv, false, err
		}
		current, err := tx.Invitation(inv.ID)
		if err == nil && current.State != inv.State {
			err = errStateChanged(current, now)
		}
		if err == nil {
			current, err = change(tx, current, now)
		}
		return current, true, err
	})
	s.wake(expired...)
	if errors.Is(err, ErrPendingExists) {
		err = ErrIdentityConflict.WithReasonf("A newer invitation of this email address or identity is pending. Resend that one instead.")
	}
	return issued, callerError(err)
}

// errStateChanged returns the error for an invitation whose state has changed since
// it was decided whether to call the hooks: they have not decided on that state.
func errStateChanged(inv Invitation, now time.Time) error {
	if err := inv.CheckUsable(now); err != nil && !errors.Is(err, ErrExpired) {
		return err
	}
	return ErrIdentityConflict.WithReasonf("The invitation has just changed. Try again.").WithRetryAfter(lateWriteGrace)
}
