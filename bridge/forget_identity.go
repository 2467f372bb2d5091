package bridge

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"
)

// forgetIdentities deletes the identities of ended invitations, as far as that is
// permitted.
func (s *Service) forgetIdentities(ctx context.Context, held *hold, list []Invitation) ([]ForgottenInvitation, error) {
	// In one order, so that two callers do not wait for each other.
	var ids []uuid.UUID
	for _, inv := range list {
		if inv.deletable() {
			ids = append(ids, inv.IdentityID)
		}
	}
	slices.SortFunc(ids, compareIDs)
	for _, id := range slices.Compact(ids) {
		if err := held.addIdentity(ctx, id); err != nil {
			return nil, err
		}
	}
	results := make([]ForgottenInvitation, len(list))
	for n, inv := range list {
		result, err := s.forgetIdentity(ctx, held, inv)
		if err != nil {
			return nil, err
		}
		results[n] = ForgottenInvitation{inv.ID, inv.IdentityID, result}
	}
	// Of several invitations that share an identity, only one deletes it.
	for _, one := range results {
		for i := range results {
			if one.Identity == IdentityDeleted && results[i].IdentityID == one.IdentityID {
				results[i].Identity = IdentityDeleted
			}
		}
	}
	return results, nil
}

// forgetIdentity deletes the identity of an ended invitation, if that is permitted.
func (s *Service) forgetIdentity(ctx context.Context, held *hold, inv Invitation) (IdentityResult, error) {
	switch {
	case inv.IdentityID == uuid.Nil:
		return IdentityNone, nil
	case !inv.deletable():
		return IdentityKept, nil
	}
	if err := held.renew(ctx); err != nil {
		return "", err
	}
	if err := s.markToForget(ctx, inv.ID); err != nil {
		return "", err
	}
	within, cancel := s.detachedContext(ctx)
	defer cancel()
	err := s.deleteUnused(within, held, inv)
	var refused refusal
	switch {
	case err == nil:
		return IdentityDeleted, nil
	case errors.As(err, &refused) && refused.verdict == verdictGone:
		return IdentityNone, nil
	case errors.As(err, &refused), errors.Is(err, errIdentityReinvited):
		return IdentityKept, nil
	}
	return "", errNotForgotten(err)
}

// markToForget stores that the identity is to be deleted. The sweep does that only after
// this call could have finished: so it does not decide in between to keep it.
func (s *Service) markToForget(ctx context.Context, id uuid.UUID) error {
	now := s.now()
	return s.update(ctx, func(tx Tx) error {
		current, err := tx.Invitation(id)
		if err == nil {
			err = current.checkForgettable(now)
		}
		if err != nil || !current.deletable() {
			return err
		}
		current.Leftover, current.CheckAt, current.Checks = LeftoverDue, now.Add(s.lease()), 0
		return tx.PutInvitation(current)
	})
}

// errNotForgotten is the error if the identity system does not delete an identity.
func errNotForgotten(err error) error {
	err = callerIdentityError(err)
	var e *Error
	switch {
	case errors.Is(err, ErrKratosUnavailable):
		return ErrKratosUnavailable.WithReasonf("Kratos did not respond. The invitation is revoked, but not removed. Retrying is safe.").WithCause(err)
	case errors.As(err, &e) && (e.Kind == KindRejected || e.Kind == KindInvalid):
		return ErrKratosRejected.WithReasonf("Kratos refused to delete the identity. The invitation is revoked, but not removed. The log of the bridge contains the cause.").WithCause(err)
	}
	return err
}
