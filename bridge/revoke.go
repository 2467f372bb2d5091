package bridge

import (
	"context"
	"errors"

	"github.com/google/uuid"
)

// Revoke ends an invitation permanently; a revoked one is returned unchanged. If an
// acceptance is in progress, the returned invitation is still pending and has
// RevokeRequestedAt set: from then on no token is valid and no further write to the
// identity begins. It ends as revoked unless the acceptance has already taken
// effect.
//
// Errors: ErrNotFound; ErrAccepted; ErrStoreUnavailable.
func (s *Service) Revoke(ctx context.Context, id uuid.UUID) (Invitation, error) {
	return s.revoke(ctx, id, ReasonRequested)
}

// revoke is Revoke with another reason, unless an acceptance is in progress.
func (s *Service) revoke(ctx context.Context, id uuid.UUID, reason Reason) (Invitation, error) {
	inv, err := s.Get(ctx, id)
	if err != nil {
		return Invitation{}, err
	}
	if inv.Claim == nil && s.now().Before(inv.UnresolvedUntil) && inv.State != StateRevoked {
		if inv, err = s.reconcileUnresolved(ctx, inv); err != nil {
			return Invitation{}, err
		}
	}
	now, revoked := s.now(), s.prepare(EventInvitationRevoked)
	err = s.update(ctx, func(tx Tx) error {
		before, err := tx.Invitation(id)
		if err != nil {
			return err
		}
		if inv, err = before.Revoke(reason, now); err != nil {
			return err
		}
		return revoked.saveAndEnqueue(tx, before, inv, now)
	})
	if err != nil {
		s.wakeUnsure(err, revoked)
		return Invitation{}, callerError(err)
	}
	s.wake(revoked)
	if inv.Claim != nil {
		return s.reconcileRevoked(ctx, inv)
	}
	return inv, nil
}

// reconcileRevoked ends a claim during which a revocation was requested, unless its
// holder is still running.
func (s *Service) reconcileRevoked(ctx context.Context, inv Invitation) (Invitation, error) {
	former, err := s.takeOverClaim(ctx, inv)
	if err == nil && former != uuid.Nil {
		_, err = s.reconcileClaim(ctx, inv, verdictFree, Identity{})
	}
	var e *Error
	if err != nil && !errors.As(err, &e) {
		return inv, err
	}
	current, err := s.Get(ctx, inv.ID)
	if err == nil && current.State == StateAccepted {
		_, err = current.Revoke(ReasonRequested, s.now())
	}
	if err != nil {
		return inv, err
	}
	return current, nil
}
