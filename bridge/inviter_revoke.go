package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// inviterCheckEvery is the period in which inviters with a session are looked up.
const inviterCheckEvery = 5 * time.Minute

// inviterBatch is how many inviters one request to the identity system is about.
const inviterBatch = 100

// revokeOfInactive revokes the pending invitations of inviters with a session who are no
// longer active, if the configuration says so. It returns their number. What fails does
// not stop the others, and is tried again in the next period; but if the identity system
// is not ready, this ends, so that the rest of the sweep need not wait.
func (s *Service) revokeOfInactive(ctx context.Context) (n int, err error) {
	elapsed := s.config.Monotonic() - s.started.run
	if !s.config.Inviters.RevokeOnDeactivation || elapsed < time.Duration(s.inviterCheckAt.Load()) {
		return 0, nil
	}
	s.inviterCheckAt.Store(int64(elapsed + inviterCheckEvery))
	var errs []error
	for after := ""; ctx.Err() == nil; {
		var page []string
		err := s.view(ctx, func(tx Tx) (err error) {
			page, err = tx.PendingCreators(CreatorSession, after, inviterBatch)
			return err
		})
		if errs = append(errs, err); len(page) == 0 {
			return n, errors.Join(errs...)
		}
		inactive, err := s.inactiveOf(ctx, parseIDs(page))
		if errs = append(errs, err); errors.Is(err, errNotReady) {
			return n, errors.Join(errs...)
		}
		for _, id := range inactive {
			revoked, err := s.revokeAllOf(ctx, BySession(id))
			n += revoked
			errs = append(errs, err)
		}
		after = page[len(page)-1]
	}
	return n, errors.Join(append(errs, ctx.Err())...)
}

var errNotReady = errors.New("the identity system is not ready")

// inactiveOf returns those of the inviters who are inactive. If they cannot be read
// together, it reads fewer at a time, so that one whom Kratos cannot show stops nobody.
//
// Errors: errNotReady; otherwise some could not be read.
func (s *Service) inactiveOf(ctx context.Context, ids []uuid.UUID) ([]uuid.UUID, error) {
	inactive, err := s.identities.InactiveOf(ctx, ids...)
	if err == nil {
		return inactive, nil
	}
	if ping := s.identities.Ping(ctx); ping != nil {
		return nil, ErrKratosUnavailable.WithCause(errors.Join(errNotReady, err, ping))
	}
	if len(ids) == 1 {
		return nil, identityError(err)
	}
	half := len(ids) / 2
	some, err := s.inactiveOf(ctx, ids[:half])
	if errors.Is(err, errNotReady) {
		return some, err
	}
	others, errOthers := s.inactiveOf(ctx, ids[half:])
	return append(some, others...), errors.Join(err, errOthers)
}

// parseIDs returns the ids among texts.
func parseIDs(texts []string) []uuid.UUID {
	ids := make([]uuid.UUID, 0, len(texts))
	for _, text := range texts {
		if id, err := uuid.Parse(text); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

func (s *Service) revokeAllOf(ctx context.Context, by Creator) (n int, err error) {
	var errs []error
	for q := (InvitationQuery{CreatedBy: by, State: StatePending, Limit: sweepBatch}); ctx.Err() == nil; {
		var found []Invitation
		err := s.view(ctx, func(tx Tx) (err error) {
			found, err = tx.ListInvitations(q)
			return err
		})
		if err != nil {
			return n, errors.Join(append(errs, err)...)
		}
		for _, inv := range found {
			if _, err := s.revoke(ctx, inv.ID, ReasonInviter); err == nil {
				n++
			} else if !errors.Is(err, ErrAccepted) && !errors.Is(err, ErrNotFound) {
				errs = append(errs, err)
			}
		}
		if len(found) < q.Limit {
			return n, errors.Join(errs...)
		}
		q.Before = found[len(found)-1].ID
	}
	return n, errors.Join(append(errs, ctx.Err())...)
}
