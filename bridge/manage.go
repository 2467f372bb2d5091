package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Resend grants an invitation its lifespan anew, revives it if it has expired,
// and gives a further token; the invitee is told again.
//
// ErrNotFound; ErrAccepted; ErrRevoked, also if the identity is gone;
// ErrIdentityActive; ErrIdentityConflict if another invitation of that e-mail
// is pending; ErrKratosAway, ErrStoreAway.
func (s *Service) Resend(ctx context.Context, id uuid.UUID) (Offer, error) {
	inv, err := s.Get(ctx, id)
	if err != nil {
		return Offer{}, err
	}
	if _, err := inv.Resend(s.now()); errors.Is(err, ErrRevoked) {
		return Offer{}, ErrRevoked.Reasonf("The invitation was revoked. Invite the address anew.")
	} else if errors.Is(err, ErrAccepted) {
		return Offer{}, ErrAccepted.Reasonf("The invitation was already accepted. There is nobody left to invite.")
	} else if err != nil {
		return Offer{}, err
	}
	return s.resend(ctx, inv, func(_ Tx, _ Identity, inv Invitation, now time.Time) (Invitation, error) { return inv.Resend(now) })
}

// resend announces what change makes of an invitation, whose identity is there
// and inactive.
func (s *Service) resend(ctx context.Context, inv Invitation, change func(Tx, Identity, Invitation, time.Time) (Invitation, error)) (Offer, error) {
	ctx, cancel := s.detached(ctx)
	defer cancel()
	// The sweep may be about to delete the identity of an expired invitation.
	unlock, err := s.lockEmail(ctx, inv.Email)
	if err != nil {
		return Offer{}, err
	}
	defer unlock()
	identity, err := s.invited(ctx, inv)
	if errors.Is(err, ErrRevoked) && inv.State == StateExpired {
		return Offer{}, ErrIdentityConflict.Reasonf("The identity of this invitation is gone. Invite the address anew.")
	} else if err != nil {
		return Offer{}, err
	}
	now, expired := s.now(), s.tell(EventInvitationExpired)
	offer, err := s.offer(ctx, false, func(tx Tx) (_ Invitation, announce bool, err error) {
		inv, err := tx.Invitation(inv.ID)
		if err == nil && inv.Due(now) {
			// It expired, though the sweep has not said so yet.
			err = expired.change(tx, inv, inv.Expire(now), now)
		}
		if err == nil {
			inv, err = change(tx, identity, inv, now)
		}
		return inv, true, err
	})
	s.wake(expired)
	if errors.Is(err, ErrTaken) {
		err = ErrIdentityConflict.Reasonf("A newer invitation of this e-mail is pending. Resend that one.")
	}
	return offer, notFound(err)
}

// Revoke ends an invitation for good; a revoked one is given as it is.
// ErrNotFound; ErrAccepted; ErrAcceptInProgress while somebody is accepting,
// for that one might win; ErrKratosAway, ErrStoreAway.
func (s *Service) Revoke(ctx context.Context, id uuid.UUID) (Invitation, error) {
	inv, err := s.Get(ctx, id)
	if err != nil {
		return Invitation{}, err
	}
	switch {
	case inv.Lapsed(s.now()):
		err = s.settle(ctx, inv)
	case inv.Doubt && inv.Claim == nil && inv.State != StateRevoked && inv.State != StateAccepted:
		err = s.dispel(ctx, inv)
	}
	if err != nil {
		return Invitation{}, err
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
	return inv, nil
}

// notFound says for callers what a store says to rules.
func notFound(err error) error {
	if errors.Is(err, ErrMissing) {
		return ErrNotFound
	}
	return err
}
