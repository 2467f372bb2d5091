package bridge

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
)

// inviterCheckEvery is the period in which inviters with a session are looked up.
const inviterCheckEvery = 5 * time.Minute

// inviterBatch is how many inviters one request to the identity system is about.
const inviterBatch = 100

// revokeOfInactive revokes the pending invitations of inviters with a session who are no
// longer active, if the configuration says so. It returns their number.
func (s *Service) revokeOfInactive(ctx context.Context) (n int, err error) {
	elapsed := s.config.Monotonic() - s.started.run
	if !s.config.Inviters.RevokeOnDeactivation || elapsed < time.Duration(s.inviterCheckAt.Load()) {
		return 0, nil
	}
	for after := ""; ctx.Err() == nil; {
		var page []string
		err := s.view(ctx, func(tx Tx) (err error) {
			page, err = tx.PendingCreators(CreatorSession, after, inviterBatch)
			return err
		})
		if err != nil {
			return n, err
		}
		if len(page) == 0 {
			s.inviterCheckAt.Store(int64(elapsed + inviterCheckEvery))
			return n, nil
		}
		after = page[len(page)-1]
		revoked, err := s.revokeOf(ctx, page)
		if n += revoked; err != nil {
			return n, err
		}
	}
	return n, ctx.Err()
}

// revokeOf revokes the pending invitations of those of the inviters who are not active.
func (s *Service) revokeOf(ctx context.Context, inviters []string) (n int, err error) {
	ids := make([]uuid.UUID, 0, len(inviters))
	for _, text := range inviters {
		if id, err := uuid.Parse(text); err == nil {
			ids = append(ids, id)
		}
	}
	active, err := s.identities.ActiveOf(ctx, ids...)
	if err != nil {
		return 0, identityError(err)
	}
	for _, id := range ids {
		if slices.Contains(active, id) {
			continue
		}
		revoked, err := s.revokeAllOf(ctx, BySession(id))
		if n += revoked; err != nil {
			return n, err
		}
	}
	return n, nil
}

func (s *Service) revokeAllOf(ctx context.Context, by Creator) (n int, err error) {
	for q := (InvitationQuery{CreatedBy: by, State: StatePending, Limit: sweepBatch}); ctx.Err() == nil; {
		var found []Invitation
		if err := s.view(ctx, func(tx Tx) (err error) {
			found, err = tx.ListInvitations(q)
			return err
		}); err != nil {
			return n, err
		}
		for _, inv := range found {
			var e *Error
			_, err := s.revoke(ctx, inv.ID, ReasonInviter)
			switch {
			case err == nil:
				n++
			case errors.Is(err, ErrStoreUnavailable), errors.Is(err, ErrKratosUnavailable), !errors.As(err, &e):
				return n, err
			}
		}
		if len(found) < q.Limit {
			return n, nil
		}
		q.Before = found[len(found)-1].ID
	}
	return n, ctx.Err()
}
