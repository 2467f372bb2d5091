package bridge

import (
	"context"
	"errors"
	"slices"
	"time"
)

// sweepStep bounds what one transaction of the sweep touches, and so how long
// another request may wait for it.
const sweepStep = 100

// Swept counts what a sweep did.
type Swept struct {
	Expired int // invitations whose time had run out
	Settled int // claims that nobody finished
	Purged  int // invitations kept past their retention
}

// Expire expires at most 100 invitations whose time has run out. It is cheap
// where there are none, and returns at once if another call is at it.
func (s *Service) Expire(ctx context.Context) (int, error) {
	if s.config.DeleteUnaccepted {
		return 0, nil // identities are to be deleted first: the sweep does
	}
	select {
	case s.expiring <- struct{}{}:
		defer func() { <-s.expiring }()
	default:
		return 0, nil
	}
	due, err := s.due(ctx)
	due = slices.DeleteFunc(due, doubtful) // Kratos is to be asked first: the sweep does
	if len(due) == 0 || err != nil {
		return 0, err
	}
	return s.expire(ctx, due)
}

// Sweep does all that time has made due: it settles lapsed claims, expires, and
// purges, in steps of at most 100, until nothing is left or ctx ends. It is
// meant to be called at start and every while, by one caller at a time. It
// goes on after a failure where it can; the errors are joined.
func (s *Service) Sweep(ctx context.Context) (Swept, error) {
	var swept Swept
	var errs [3]error
	swept.Settled, errs[0] = s.settleLapsed(ctx)
	swept.Expired, errs[1] = repeat(ctx, s.expireStep)
	swept.Purged, errs[2] = repeat(ctx, s.purgeStep)
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

func (s *Service) due(ctx context.Context) (due []Invitation, err error) {
	now := s.now()
	err = s.view(ctx, func(tx Tx) (err error) {
		due, err = tx.ExpiringInvitations(now, sweepStep)
		return err
	})
	return due, err
}

func (s *Service) expireStep(ctx context.Context) (int, error) {
	due, err := s.due(ctx)
	if len(due) == 0 || err != nil {
		return 0, err
	}
	if s.config.DeleteUnaccepted {
		return s.expireEach(ctx, due)
	}
	// Those in doubt go last: the rest does not need Kratos.
	doubted := slices.DeleteFunc(slices.Clone(due), func(i Invitation) bool { return !i.Doubt })
	plain := slices.DeleteFunc(due, doubtful)
	n := 0
	if len(plain) > 0 {
		if n, err = s.expire(ctx, plain); err != nil {
			return n, err
		}
	}
	settled, err := s.expireEach(ctx, doubted)
	return n + settled, err
}

// expireEach goes on where one cannot be expired, unless Kratos or the store is
// away: it would give no answer to the next either.
func (s *Service) expireEach(ctx context.Context, due []Invitation) (n int, failed error) {
	for _, inv := range due {
		err := s.expireOne(ctx, inv)
		if failed = errors.Join(failed, err); errors.Is(err, ErrKratosAway) || errors.Is(err, ErrStoreAway) {
			break
		} else if err == nil {
			n++
		}
	}
	return n, failed
}

func doubtful(inv Invitation) bool { return inv.Doubt }

// expire expires those that are due still, in one commit.
func (s *Service) expire(ctx context.Context, due []Invitation) (n int, err error) {
	now := s.now()
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

// expireOne expires an invitation whose identity is to be looked at first,
// because it may be active after all, or is to be deleted. A crash behind the
// deletion leaves the invitation due, and deleting twice is harmless. The lock
// keeps a resend from reviving the invitation meanwhile. What Kratos refuses to
// delete stays, and is an error; the invitation expires all the same.
func (s *Service) expireOne(ctx context.Context, inv Invitation) error {
	unlock, err := s.lockEmail(ctx, inv.Email)
	if err != nil {
		return err
	}
	defer unlock()
	err = s.view(ctx, func(tx Tx) (err error) {
		inv, err = tx.Invitation(inv.ID)
		return err
	})
	if errors.Is(err, ErrMissing) || err == nil && !inv.Due(s.now()) {
		return nil // somebody else saw to it, and may have adopted the identity
	} else if err != nil {
		return err
	}
	identity, err := s.identities.Get(ctx, inv.IdentityID)
	if err != nil && !errors.Is(err, ErrIdentityNotFound) {
		return failure(err)
	}
	if identity.Activated(inv.ID) {
		return s.closeUnclaimed(ctx, inv, identity)
	}
	var refused error
	if s.config.DeleteUnaccepted && identity.Email == inv.Email {
		if refused = s.identities.Delete(ctx, inv.IdentityID, inv.ID); refused != nil {
			refused = failure(refused)
		}
	}
	if errors.Is(refused, ErrKratosAway) {
		return refused
	}
	_, err = s.expire(ctx, []Invitation{inv})
	return errors.Join(refused, err)
}

func (s *Service) purgeStep(ctx context.Context) (n int, err error) {
	var ended []Invitation
	before := s.now().Add(-s.config.Retention)
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
			if err := tx.DeleteInvitation(inv.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return len(ended), err
}

// settleLapsed settles every claim whose lease has run out. One that cannot be
// settled is put off, so that it does not keep the others waiting; but where
// Kratos gives no answer, it would give none to the next.
func (s *Service) settleLapsed(ctx context.Context) (n int, failed error) {
	for ctx.Err() == nil {
		var lapsed []Invitation
		now := s.now()
		err := s.view(ctx, func(tx Tx) (err error) {
			lapsed, err = tx.LapsedClaims(now, sweepStep)
			return err
		})
		if len(lapsed) == 0 || err != nil {
			return n, errors.Join(failed, err)
		}
		for _, inv := range lapsed {
			err := s.settle(ctx, inv)
			if err == nil {
				n++
				continue
			}
			failed = errors.Join(failed, err, s.postpone(ctx, inv))
			if errors.Is(failed, ErrKratosAway) || errors.Is(failed, ErrStoreAway) {
				return n, failed
			}
		}
	}
	return n, errors.Join(failed, ctx.Err())
}

// settle asks Kratos what came of a lapsed claim, and finishes what the claim's
// holder did not. The mark tells an acceptance from an activation by another
// road, for both travel in the same write.
func (s *Service) settle(ctx context.Context, inv Invitation) error {
	identity, err := s.identities.Get(ctx, inv.IdentityID)
	if err != nil && !errors.Is(err, ErrIdentityNotFound) {
		return failure(err)
	}
	now := s.now()
	return s.changeLapsed(ctx, inv, now, func(i Invitation) Invitation { return i.Settle(identity, now) })
}

// dispel asks Kratos whether an invitation in doubt was accepted after all.
func (s *Service) dispel(ctx context.Context, inv Invitation) error {
	identity, err := s.identities.Get(ctx, inv.IdentityID)
	switch {
	case err != nil && !errors.Is(err, ErrIdentityNotFound):
		return failure(err)
	case identity.Activated(inv.ID):
		return s.closeUnclaimed(ctx, inv, identity)
	}
	return nil
}

func (s *Service) postpone(ctx context.Context, inv Invitation) error {
	now := s.now()
	return s.changeLapsed(ctx, inv, now, func(i Invitation) Invitation { return i.Postpone(now, s.lease()) })
}

// changeLapsed changes an invitation if its lapsed claim is the same still.
func (s *Service) changeLapsed(ctx context.Context, inv Invitation, now time.Time, change func(Invitation) Invitation) error {
	ended := s.tellEnd()
	defer s.wake(ended.accepted, ended.revoked)
	return s.update(ctx, func(tx Tx) error {
		current, err := tx.Invitation(inv.ID)
		switch {
		case errors.Is(err, ErrMissing):
			return nil
		case err != nil:
			return err
		case current.Holds(inv.Claim.ID) && current.Lapsed(now):
			return ended.change(tx, current, change(current), now)
		}
		return nil
	})
}
