package bridge

import (
	"context"
	"errors"
	"time"
)

// sweepStep bounds what one transaction of the sweep touches, and so how long
// another request may wait for it.
const sweepStep = 100

// Swept counts what a sweep did.
type Swept struct {
	Expired int // invitations whose time had run out
	Settled int // claims that nobody finished
	Watched int // identities that were looked at, for a late write or to be deleted
	Purged  int // invitations kept past their retention
}

// Expire expires at most 100 invitations whose time has run out. It is cheap
// where there are none, and returns at once if another call is at it.
func (s *Service) Expire(ctx context.Context) (int, error) {
	select {
	case s.expiring <- struct{}{}:
		defer func() { <-s.expiring }()
	default:
		return 0, nil
	}
	return s.expireStep(ctx)
}

// Sweep does all that time has made due: it expires and purges, for which Kratos
// is not needed; then it settles claims that nobody finished, and looks at
// identities that a late write may change or that are to be deleted; in steps of
// at most 100, until nothing is left or ctx ends. It is meant to be called at start and every while, by one caller at a
// time. It goes on after a failure where it can; the errors are joined. An
// identity that cannot be read is put off, and delays no other.
func (s *Service) Sweep(ctx context.Context) (Swept, error) {
	var swept Swept
	var errs [4]error
	swept.Expired, errs[0] = repeat(ctx, s.expireStep)
	swept.Purged, errs[1] = repeat(ctx, s.purgeStep)
	swept.Settled, errs[2] = s.sweepEach(ctx, Tx.LapsedClaims, s.settleLapsed)
	swept.Watched, errs[3] = s.sweepEach(ctx, Tx.WatchedInvitations, s.watch)
	return swept, errors.Join(errs[:]...)
}

// repeat runs step until it did less than it could have.
func repeat(ctx context.Context, step func(context.Context) (int, error)) (total int, err error) {
	for ctx.Err() == nil {
		n, err := step(ctx)
		total += n
		if n < sweepStep || err != nil {
			return total, err
		}
	}
	return total, ctx.Err()
}

// sweepEach does something with each invitation that an index says is due. What
// it does must leave the invitation no longer due. Only a Kratos that is not
// ready, or the store, ends it.
func (s *Service) sweepEach(ctx context.Context, due func(Tx, time.Time, int) ([]Invitation, error), do func(context.Context, Invitation) error) (total int, err error) {
	return repeat(ctx, func(ctx context.Context) (n int, err error) {
		var found []Invitation
		now := s.now()
		err = s.view(ctx, func(tx Tx) (err error) {
			found, err = due(tx, now, sweepStep)
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

func (s *Service) expireStep(ctx context.Context) (n int, err error) {
	var due []Invitation
	now := s.now()
	err = s.view(ctx, func(tx Tx) (err error) {
		due, err = tx.ExpiringInvitations(now, sweepStep)
		return err
	})
	if len(due) == 0 || err != nil {
		return 0, err
	}
	tellings := make([]telling, len(due))
	for i := range due {
		tellings[i] = s.tell(EventInvitationExpired)
	}
	err = s.update(ctx, func(tx Tx) error {
		n = 0
		for i, inv := range due {
			inv, err := tx.Invitation(inv.ID)
			if errors.Is(err, ErrMissing) || err == nil && !inv.Due(now) {
				continue
			} else if err != nil {
				return err
			}
			if err := tellings[i].change(tx, inv, inv.Expire(now), now); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	s.wake(tellings[0])
	return n, err
}

// purgeStep deletes what was kept past its retention. Where the identity is to
// be deleted first, that is made due, and the invitation waits for it.
func (s *Service) purgeStep(ctx context.Context) (n int, err error) {
	var ended []Invitation
	now := s.now()
	before := now.Add(-s.config.Retention)
	err = s.view(ctx, func(tx Tx) (err error) {
		ended, err = tx.EndedInvitations(before, sweepStep)
		return err
	})
	if len(ended) == 0 || err != nil {
		return 0, err
	}
	err = s.update(ctx, func(tx Tx) (err error) {
		if ended, err = tx.EndedInvitations(before, sweepStep); err != nil {
			return err
		}
		for _, inv := range ended {
			if s.config.Unaccepted.deletes() && inv.deletable() && inv.Leftover == "" {
				err = tx.PutInvitation(inv.abandon(now))
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

// settleLapsed settles a claim whose lease has ended, and finishes what its
// holder did not. The mark tells an acceptance from an activation by somebody
// else, for both travel in the same write.
func (s *Service) settleLapsed(ctx context.Context, inv Invitation) error {
	over := s.leaseOf(*inv.Claim)
	if mine, ours := s.claims.find(inv.Claim.ID); ours {
		over = mine.until
	}
	if !s.instant().reached(over) { // the wall clock was set
		return s.postpone(ctx, inv)
	}
	within, cancel := s.brief(ctx, inv.Claim.Looks)
	defer cancel()
	i, v, err := s.look(within, inv.IdentityID, inv.question())
	if err != nil {
		if err := s.unreadable(ctx, inv, err); err != nil {
			return err
		}
		return s.postpone(ctx, inv)
	}
	_, err = s.settle(ctx, inv, v, i)
	return err
}

// firstLook bounds what an identity may take of a sweep at first. One that was
// put off gets the whole budget.
const firstLook = 2 * time.Second

func (s *Service) brief(ctx context.Context, looks int) (context.Context, context.CancelFunc) {
	budget := s.config.IdentityBudget
	if looks == 0 {
		budget = min(firstLook, budget)
	}
	return context.WithTimeout(ctx, budget)
}

func (s *Service) postpone(ctx context.Context, inv Invitation) error {
	now := s.now()
	var result Invitation
	return s.changeClaim(ctx, inv, now, func(i Invitation) Invitation { return i.Postpone(now) }, &result)
}

// unreadable notes that an identity could not be read. The error is for a Kratos
// that is not ready: it would not answer for the next identity either.
func (s *Service) unreadable(ctx context.Context, inv Invitation, cause error) error {
	if err := s.identities.Ping(ctx); err != nil {
		return ErrKratosAway.Because(errors.Join(cause, err))
	}
	s.warn("an identity cannot be read; it is looked at again later, and others are not delayed",
		"invitation_id", inv.ID.String(), "identity_id", inv.IdentityID.String(), "cause", cause.Error())
	if s.config.Count != nil {
		s.config.Count(Tally{Unreadable: 1})
	}
	return nil
}
