package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// resolve finds out what became of the claim of an invitation, by reading the
// identity, before a token of the invitation is taken. former is the claim that
// the caller may take over: one of this process whose write had no effect; zero:
// there is none left.
//
// ErrAcceptInProgress while somebody is at work, a lost request may still take
// effect, or the lease of another process runs; ErrAccepted or ErrRevoked if
// that is how it ended.
func (s *Service) resolve(ctx context.Context, inv Invitation) (former uuid.UUID, err error) {
	c := inv.Claim
	if c == nil {
		return uuid.Nil, nil
	}
	now := s.instant()
	mine, ours := s.claims.find(c.ID)
	if ours && mine.running {
		return uuid.Nil, ErrAcceptInProgress.After(settleDelay)
	}
	readable, over := s.started.add(settleDelay), s.leaseOf(*c)
	if ours {
		readable, over = mine.unsettled.add(settleDelay), mine.until
	} else if !c.UnsettledAt.IsZero() {
		readable.wall = later(readable.wall, c.UnsettledAt.Add(settleDelay))
	}
	if !now.reached(readable) {
		return uuid.Nil, ErrAcceptInProgress.After(now.until(readable))
	}
	ctx, cancel := s.detached(ctx)
	defer cancel()
	i, v, err := s.look(ctx, inv.IdentityID, inv.question())
	switch {
	case err != nil:
		return uuid.Nil, failure(err)
	case v == verdictFree && ours:
		return c.ID, nil
	case v == verdictFree && !now.reached(over):
		return uuid.Nil, ErrAcceptInProgress.After(now.until(over))
	}
	settled, err := s.settle(ctx, inv, v, i)
	if err != nil {
		return uuid.Nil, err
	}
	switch settled.State {
	case StateAccepted:
		return uuid.Nil, ErrAccepted
	case StateRevoked:
		return uuid.Nil, ErrRevoked
	case StatePending, StateExpired:
	}
	return uuid.Nil, nil
}

// leaseOf gives when the lease of a claim of another process ends, by both
// clocks. It began before this process did, or there are several replicas.
func (s *Service) leaseOf(c Claim) instant {
	left := min(max(c.Until.Sub(s.started.wall), 0), s.lease())
	return instant{wall: c.Until, run: s.started.run + left}
}

// settle ends a claim as the verdict on its identity says, if it is still the
// same. What it gives is the invitation as it is now.
func (s *Service) settle(ctx context.Context, inv Invitation, v verdict, i Identity) (settled Invitation, err error) {
	now := s.now()
	err = s.changeClaim(ctx, inv, now, func(current Invitation) Invitation {
		settled = current.Settle(v, i.Mark, now)
		return settled
	}, &settled)
	if err == nil {
		s.claims.drop(inv.Claim.ID)
	}
	return settled, err
}

// changeClaim changes an invitation if its claim is still the same; else it
// gives the invitation as it is.
func (s *Service) changeClaim(ctx context.Context, inv Invitation, now time.Time, change func(Invitation) Invitation, result *Invitation) error {
	ends := s.tellEnd()
	err := s.update(ctx, func(tx Tx) error {
		current, err := tx.Invitation(inv.ID)
		if errors.Is(err, ErrMissing) {
			*result = Invitation{}
			return nil
		}
		*result = current
		if err != nil || !current.Holds(inv.Claim.ID) {
			return err
		}
		*result = change(current)
		return ends.change(tx, current, *result, now)
	})
	s.wake(ends.accepted, ends.revoked)
	return err
}
