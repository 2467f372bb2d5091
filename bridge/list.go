package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Get returns one invitation, with its expiry applied.
//
// Errors: ErrNotFound; ErrStoreUnavailable.
func (s *Service) Get(ctx context.Context, id uuid.UUID) (Invitation, error) {
	var inv Invitation
	err := s.view(ctx, func(tx Tx) (err error) {
		inv, err = tx.Invitation(id)
		return err
	})
	if errors.Is(err, ErrRowNotFound) {
		return Invitation{}, ErrNotFound
	}
	return s.withExpiryApplied(inv), err
}

// GetBy is Get for an invitation of one creator; zero: of any.
//
// Errors: those of Get; ErrNotFound also if another one has created it.
func (s *Service) GetBy(ctx context.Context, by Creator, id uuid.UUID) (Invitation, error) {
	inv, err := s.Get(ctx, id)
	if err == nil && by != (Creator{}) && inv.CreatedBy != by {
		return Invitation{}, ErrNotFound
	}
	return inv, err
}

// List returns a page of invitations, newest first. next is the value of q.Before
// for the next page; zero: this is the last one. q.Email is parsed as in an
// invite.
//
// An invitation past its expiry is returned as expired immediately, but is
// included in a list of expired invitations only after the next sweep.
//
// Errors: ErrEmailInvalid; ErrStoreUnavailable.
func (s *Service) List(ctx context.Context, q InvitationQuery) (page []Invitation, next uuid.UUID, err error) {
	if q.Email != "" {
		if q.Email, err = ParseEmail(q.Email, s.config.ToASCII); err != nil {
			return nil, uuid.Nil, err
		}
	}
	if q.Method != "" && q.State != "" && q.State != StateAccepted {
		return nil, uuid.Nil, nil // only accepted ones have a method
	}
	var found []Invitation
	limit := q.Limit
	q.Limit++ // one more shows whether there is a next page
	err = s.view(ctx, func(tx Tx) (err error) {
		found, err = tx.ListInvitations(q)
		return err
	})
	if len(found) > limit {
		found = found[:limit]
		next = found[limit-1].ID
	}
	for _, inv := range found {
		if inv = s.withExpiryApplied(inv); q.State == "" || inv.State == q.State {
			page = append(page, inv)
		}
	}
	return page, next, err
}

// maxActiveImports bounds the imports that a backlog reads.
const maxActiveImports = 100

// Backlog returns the unfinished work, and the age of the oldest queued message; zero:
// none is queued. Its cost does not depend on the numbers of invitations, messages and
// rows.
func (s *Service) Backlog(ctx context.Context) (b Backlog, age time.Duration, err error) {
	now := s.now()
	var active []Import
	err = s.view(ctx, func(tx Tx) (err error) {
		if b, err = tx.Backlog(); err == nil {
			active, err = tx.DueImports(now.AddDate(100, 0, 0), maxActiveImports)
		}
		return err
	})
	for _, i := range active {
		if i.State == ImportRunning || i.State == ImportCanceling {
			b.ImportRows += i.Rows - i.Counts.Total()
			if i.WaitingFor != "" {
				b.ImportsHeld++
			}
		}
	}
	if !b.Oldest.IsZero() {
		age = max(now.Sub(b.Oldest), 0)
	}
	return b, age, err
}

// withExpiryApplied returns an invitation with its current state, whether or not
// the sweep has run.
func (s *Service) withExpiryApplied(inv Invitation) Invitation { return inv.Expire(s.now()) }
