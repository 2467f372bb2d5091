package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Resend resets the expiry of an invitation, revives it if it has expired, and
// gives an additional token; the invitee is notified again. Hooks are asked
// before an expired one is revived, as before an invite.
//
// ErrNotFound; ErrAccepted; ErrRevoked, also if the identity is gone;
// ErrIdentityInUse; ErrIdentityConflict if another invitation of that email
// is pending, or the identities of expired ones are deleted; ErrAcceptInProgress;
// ErrHookRefused, ErrHookUnavailable; ErrKratosAway, ErrStoreAway.
func (s *Service) Resend(ctx context.Context, id uuid.UUID) (Offer, error) {
	inv, err := s.Get(ctx, id)
	if err != nil {
		return Offer{}, err
	}
	if _, err := inv.Resend(s.now()); errors.Is(err, ErrRevoked) {
		return Offer{}, inv.Reason.revoked()
	} else if errors.Is(err, ErrAccepted) {
		return Offer{}, ErrAccepted.Reasonf("The invitation was already accepted. There is nobody left to invite.")
	} else if err != nil {
		return Offer{}, err
	}
	if inv.State == StateExpired && s.config.Unaccepted == DeleteAtExpiry {
		return Offer{}, ErrIdentityConflict.Reasonf("The invitation has expired, and its identity is deleted. Invite the address anew.")
	}
	return s.resend(ctx, inv, func(_ Tx, inv Invitation, now time.Time) (Invitation, error) { return inv.Resend(now) })
}

// revoked says for an inviter why an invitation has ended, and what to do.
func (r Reason) revoked() error {
	switch r {
	case ReasonInUse:
		return ErrRevoked.Reasonf("The invitation was closed, because its identity was used, activated or changed. Look at the identity in Kratos, and invite its address if it needs an invitation.")
	case ReasonGone:
		return ErrRevoked.Reasonf("The invitation was closed, because its identity was deleted. Invite the address anew.")
	case ReasonRequested:
	}
	return ErrRevoked.Reasonf("The invitation was revoked. Invite the address anew.")
}

// resend announces what change makes of an invitation whose identity is
// nobody's still.
func (s *Service) resend(ctx context.Context, inv Invitation, change func(Tx, Invitation, time.Time) (Invitation, error)) (Offer, error) {
	// The sweep may be about to delete the identity of an expired invitation.
	unlock, err := s.lockBoth(ctx, inv)
	if err != nil {
		return Offer{}, err
	}
	defer unlock()
	if inv.State == StateExpired {
		if err := s.ask(ctx, EventPreInvitation, inv); err != nil {
			return Offer{}, err
		}
	}
	ctx, cancel := s.detached(ctx)
	defer cancel()
	_, err = s.invited(ctx, inv)
	if errors.Is(err, ErrRevoked) && inv.State == StateExpired {
		return Offer{}, ErrIdentityConflict.Reasonf("The identity of this invitation is gone. Invite the address anew.")
	} else if err != nil {
		return Offer{}, err
	}
	now, expired := s.now(), []telling{s.tell(EventInvitationExpired), s.tell(EventInvitationExpired)}
	offer, err := s.offer(ctx, false, func(tx Tx) (_ Invitation, announce bool, err error) {
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
	if errors.Is(err, ErrTaken) {
		err = ErrIdentityConflict.Reasonf("A newer invitation of this email address or identity is pending. Resend that one.")
	}
	return offer, notFound(err)
}

// errStateChanged is for an invitation that expired, or was revived, since the
// hooks were asked or not: what they would say of it is not known.
func errStateChanged(inv Invitation, now time.Time) error {
	if err := inv.Usable(now); err != nil && !errors.Is(err, ErrExpired) {
		return err
	}
	return ErrIdentityConflict.Reasonf("The invitation has changed just now. Try again.").After(settleDelay)
}

// lockBoth locks the address and the identity of an invitation.
func (s *Service) lockBoth(ctx context.Context, inv Invitation) (unlock func(), err error) {
	email, err := s.lockEmail(ctx, inv.Email)
	if err != nil {
		return nil, err
	}
	identity, err := s.lockIdentity(ctx, inv.IdentityID)
	if err != nil {
		email()
		return nil, err
	}
	return func() { identity(); email() }, nil
}

// tryLockBoth does not wait for others.
func (s *Service) tryLockBoth(ctx context.Context, inv Invitation) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	return s.lockBoth(ctx, inv)
}

// Revoke ends an invitation for good; a revoked one is given as it is. While
// somebody is accepting, the invitation given is pending still, with the time of
// the request: from then on no token is valid and nothing more is written, and
// what was not accepted by then ends as revoked. ErrNotFound; ErrAccepted;
// ErrStoreAway.
func (s *Service) Revoke(ctx context.Context, id uuid.UUID) (Invitation, error) {
	inv, err := s.Get(ctx, id)
	if err != nil {
		return Invitation{}, err
	}
	if inv.Claim == nil && s.now().Before(inv.DoubtUntil) && inv.State != StateRevoked {
		if inv, err = s.dispel(ctx, inv); err != nil {
			return Invitation{}, err
		}
	}
	now, revoked := s.now(), s.tell(EventInvitationRevoked)
	err = s.update(ctx, func(tx Tx) error {
		before, err := tx.Invitation(id)
		if err != nil {
			return err
		}
		if inv, err = before.Revoke(now); err != nil {
			return err
		}
		return revoked.change(tx, before, inv, now)
	})
	if err != nil {
		return Invitation{}, notFound(err)
	}
	s.wake(revoked)
	if inv.Claim != nil {
		return s.settleRevoked(ctx, inv)
	}
	return inv, nil
}

// dispel looks whether an invitation whose outcome was unknown was accepted
// after all. A Kratos that is unavailable does not keep it from being revoked.
func (s *Service) dispel(ctx context.Context, inv Invitation) (Invitation, error) {
	within, cancel := s.detached(ctx)
	defer cancel()
	i, v, err := s.look(within, inv.IdentityID, inv.question())
	if err == nil && v == verdictAccepted {
		err = s.closeUnclaimed(ctx, inv, v, i)
		if err != nil {
			return inv, err
		}
	}
	return inv, nil
}

// settleRevoked ends a claim during which a revocation was requested, if nobody
// is at work any more.
func (s *Service) settleRevoked(ctx context.Context, inv Invitation) (Invitation, error) {
	former, err := s.resolve(ctx, inv)
	if err == nil && former != uuid.Nil {
		_, err = s.settle(ctx, inv, verdictFree, Identity{})
	}
	var e *Error
	if err != nil && !errors.As(err, &e) {
		return inv, err
	}
	current, err := s.Get(ctx, inv.ID)
	if err == nil && current.State == StateAccepted {
		_, err = current.Revoke(s.now())
	}
	if err != nil {
		return inv, err
	}
	return current, nil
}

// notFound says for callers what a store says to rules.
func notFound(err error) error {
	if errors.Is(err, ErrMissing) {
		return ErrNotFound
	}
	return err
}
