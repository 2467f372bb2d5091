package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// sweepBatch bounds the invitations in one transaction of the sweep, and so how
// long other requests may wait for it.
const sweepBatch = 100

// SweepResult counts the work of one sweep.
type SweepResult struct {
	Expired    int // invitations past their expiry
	Reminded   int // invitations about which a reminder was emitted
	Reconciled int // claims that their holder did not finish
	Checked    int // identities checked for a late write, or to be deleted
	Purged     int // invitations past their retention
	Requests   int // records of idempotent requests past their period
	Revoked    int // invitations whose inviters are no longer active
}

// ExpireDue expires at most 100 due invitations and returns their number. It is
// cheap if there are none, and returns immediately while another call is running.
// It does nothing if several processes share the store: their sweeps are frequent.
func (s *Service) ExpireDue(ctx context.Context) (int, error) {
	if s.config.Clock != nil {
		return 0, nil
	}
	select {
	case s.expireRunning <- struct{}{}:
		defer func() { <-s.expireRunning }()
	default:
		return 0, nil
	}
	return s.expireBatch(ctx)
}

// Sweep does everything that has become due. First it expires invitations, emits
// reminders and purges invitations, for which Kratos is not needed. Then it reconciles
// claims that their holder did not finish, and checks identities that a late write may
// change or that are to be deleted, and inviters who may have been deactivated. Last it
// overwrites what Forget has deleted and left on the disk. It works in batches of at most
// 100 until nothing is due or ctx ends.
//
// Call it at startup and periodically, from one goroutine at a time. It continues
// after errors where possible and joins them. An identity that cannot be read is
// postponed without delaying others.
func (s *Service) Sweep(ctx context.Context) (SweepResult, error) {
	var swept SweepResult
	var errs [8]error
	swept.Expired, errs[0] = drain(ctx, s.expireBatch)
	swept.Reminded, errs[1] = s.Remind(ctx)
	swept.Purged, errs[2] = drain(ctx, s.purgeBatch)
	swept.Reconciled, errs[3] = s.sweepEach(ctx, Tx.ExpiredClaims, s.reconcileExpiredClaim)
	swept.Checked, errs[4] = s.sweepEach(ctx, Tx.InvitationsToCheck, s.recheckLeftover)
	swept.Requests, errs[5] = drain(ctx, s.purgeRequests)
	swept.Revoked, errs[6] = s.revokeOfInactive(ctx)
	errs[7] = s.scrub(ctx, scrubInSweep)
	return swept, errors.Join(errs[:]...)
}

// drain runs step until a batch is not full.
func drain(ctx context.Context, step func(context.Context) (int, error)) (total int, err error) {
	for ctx.Err() == nil {
		n, err := step(ctx)
		total += n
		if n < sweepBatch || err != nil {
			return total, err
		}
	}
	return total, ctx.Err()
}

// sweepEach calls do for each invitation that due returns. Afterwards the
// invitation must no longer be due. It stops at the first error, which means that
// Kratos or the store is unavailable.
func (s *Service) sweepEach(ctx context.Context, due func(Tx, time.Time, int) ([]Invitation, error), do func(context.Context, Invitation) error) (total int, err error) {
	return drain(ctx, func(ctx context.Context) (n int, err error) {
		var found []Invitation
		now := s.now()
		err = s.view(ctx, func(tx Tx) (err error) {
			found, err = due(tx, now, sweepBatch)
			return err
		})
		for _, inv := range found {
			if err = do(ctx, inv); err != nil {
				return n, err
			}
			n++
		}
		return n, err
	})
}

func (s *Service) expireBatch(ctx context.Context) (n int, err error) {
	var due []Invitation
	now := s.now()
	err = s.view(ctx, func(tx Tx) (err error) {
		due, err = tx.ExpiringInvitations(now, sweepBatch)
		return err
	})
	if len(due) == 0 || err != nil {
		return 0, err
	}
	expired := make([]notification, len(due))
	for i := range due {
		expired[i] = s.prepare(EventInvitationExpired)
	}
	err = s.update(ctx, func(tx Tx) error {
		n = 0
		current, err := tx.Invitations(idsOf(due)...)
		if err != nil {
			return err
		}
		for i, inv := range current {
			if !inv.Due(now) {
				continue
			}
			if err := expired[i].saveAndEnqueue(tx, inv, inv.Expire(now), now); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	s.wake(expired[0])
	return n, err
}

// purgeBatch deletes invitations past their retention. If the identity must be
// deleted first, it marks that as due and keeps the invitation until it is done.
func (s *Service) purgeBatch(ctx context.Context) (n int, err error) {
	var ended []Invitation
	now := s.now()
	before := now.Add(-s.config.Retention)
	err = s.view(ctx, func(tx Tx) (err error) {
		ended, err = tx.TerminalInvitations(before, sweepBatch)
		return err
	})
	if len(ended) == 0 || err != nil {
		return 0, err
	}
	err = s.update(ctx, func(tx Tx) error {
		current, err := tx.Invitations(idsOf(ended)...)
		if err != nil {
			return err
		}
		for _, inv := range current {
			if !inv.purgeable(before) {
				continue
			}
			if s.config.Unaccepted.deletes() && inv.deletable() && inv.Leftover == "" {
				err = tx.PutInvitation(inv.markForDeletion(now))
			} else {
				err = tx.DeleteInvitation(inv.ID)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return len(ended), err
}

// purgeable reports whether an invitation is what [Tx].TerminalInvitations returns.
func (i Invitation) purgeable(before time.Time) bool {
	return i.State != StatePending && !i.UpdatedAt.After(before) && i.Leftover != LeftoverDue
}

func idsOf(list []Invitation) []uuid.UUID {
	ids := make([]uuid.UUID, len(list))
	for i, inv := range list {
		ids[i] = inv.ID
	}
	return ids
}
