package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// takeOverClaim resolves the claim of an invitation by reading the identity, before
// another acceptance begins. former is the claim that the caller may replace: one
// of this process whose write had no effect; zero: no claim is left.
//
// Errors: ErrAcceptInProgress while the holder is running, a lost request may still
// take effect, or the lease of another process has not ended; ErrAccepted or
// ErrRevoked if the claim ended like that; ErrKratosUnavailable,
// ErrStoreUnavailable.
func (s *Service) takeOverClaim(ctx context.Context, inv Invitation) (former uuid.UUID, err error) {
	c := inv.Claim
	if c == nil {
		return uuid.Nil, nil
	}
	now := s.instant()
	mine, ours := s.claims.find(c.ID)
	if ours && mine.running {
		return uuid.Nil, ErrAcceptInProgress.WithRetryAfter(lateWriteGrace)
	}
	readable, over := s.started.add(lateWriteGrace), s.leaseOf(*c)
	if ours {
		readable, over = mine.unresolvedSince.add(lateWriteGrace), mine.until
	} else if !c.UnresolvedSince.IsZero() {
		readable.wall = later(readable.wall, c.UnresolvedSince.Add(lateWriteGrace))
	}
	if !now.reached(readable) {
		return uuid.Nil, ErrAcceptInProgress.WithRetryAfter(now.until(readable))
	}
	ctx, cancel := s.detachedContext(ctx)
	defer cancel()
	i, v, err := s.readAndJudge(ctx, inv.IdentityID, inv.question())
	switch {
	case err != nil:
		return uuid.Nil, identityError(err)
	case v == verdictFree && ours:
		return c.ID, nil
	case v == verdictFree && !now.reached(over):
		return uuid.Nil, ErrAcceptInProgress.WithRetryAfter(now.until(over))
	}
	reconciled, err := s.reconcileClaim(ctx, inv, v, i)
	if err != nil {
		return uuid.Nil, err
	}
	switch reconciled.State {
	case StateAccepted:
		return uuid.Nil, ErrAccepted
	case StateRevoked:
		return uuid.Nil, ErrRevoked
	case StatePending, StateExpired:
	}
	return uuid.Nil, nil
}

// leaseOf returns when the lease of another process' claim ends, on both clocks.
// The claim was made before this process started, or by another replica. After the
// wall clock was set forward, the lease lasts as long as if it had begun then.
func (s *Service) leaseOf(c Claim) instant {
	left := min(max(c.Until.Sub(s.started.wall), 0), s.lease())
	end := instant{wall: c.Until, run: s.started.run + left}
	if clock := s.config.Clock; clock != nil {
		end.run = max(end.run, s.config.Monotonic()-clock.Steady()+s.lease())
	}
	return end
}

// reconcileClaim ends a claim according to the verdict on the identity, if the
// claim is still the same. It returns the current invitation.
func (s *Service) reconcileClaim(ctx context.Context, inv Invitation, v verdict, i Identity) (reconciled Invitation, err error) {
	now := s.now()
	err = s.updateClaim(ctx, inv, i.Mark.Method, now, func(current Invitation) Invitation {
		reconciled = current.Reconcile(v, i.Mark, now)
		return reconciled
	}, &reconciled)
	if err == nil {
		s.claims.drop(inv.Claim.ID)
	}
	return reconciled, err
}

// updateClaim changes an invitation if its claim is still the same. result receives
// the invitation, changed or not; zero if it no longer exists.
func (s *Service) updateClaim(ctx context.Context, inv Invitation, method AcceptMethod, now time.Time, change func(Invitation) Invitation, result *Invitation) error {
	ends := s.prepareClaimEnd(method)
	err := s.update(ctx, func(tx Tx) error {
		current, err := tx.Invitation(inv.ID)
		if errors.Is(err, ErrRowNotFound) {
			*result = Invitation{}
			return nil
		}
		*result = current
		if err != nil || !current.HoldsClaim(inv.Claim.ID) {
			return err
		}
		*result = change(current)
		return ends.saveAndEnqueue(tx, current, *result, now)
	})
	s.wake(ends.accepted, ends.revoked)
	return err
}

// reconcileExpiredClaim reconciles a claim whose lease has ended, and completes
// what its holder did not. The mark distinguishes an acceptance from an activation
// by someone else, because it is part of the same write.
func (s *Service) reconcileExpiredClaim(ctx context.Context, inv Invitation) error {
	over := s.leaseOf(*inv.Claim)
	if mine, ours := s.claims.find(inv.Claim.ID); ours {
		over = mine.until
	}
	if !s.instant().reached(over) { // the wall clock was set forward
		return s.postponeClaim(ctx, inv)
	}
	within, cancel := s.checkContext(ctx, inv.Claim.Checks)
	defer cancel()
	i, v, err := s.readAndJudge(within, inv.IdentityID, inv.question())
	if err != nil {
		if err := s.postponeUnreadable(ctx, inv, err); err != nil {
			return err
		}
		return s.postponeClaim(ctx, inv)
	}
	_, err = s.reconcileClaim(ctx, inv, v, i)
	return err
}

// firstCheck bounds the first check of an identity in a sweep, so that a slow one
// does not delay the others. Later checks get the whole IdentityTimeout.
const firstCheck = 2 * time.Second

func (s *Service) checkContext(ctx context.Context, checks int) (context.Context, context.CancelFunc) {
	budget := s.config.IdentityTimeout
	if checks == 0 {
		budget = min(firstCheck, budget)
	}
	return context.WithTimeout(ctx, budget)
}

func (s *Service) postponeClaim(ctx context.Context, inv Invitation) error {
	now := s.now()
	var result Invitation
	return s.updateClaim(ctx, inv, "", now, func(i Invitation) Invitation { return i.PostponeClaim(now) }, &result)
}

// postponeUnreadable reports an identity that could not be read. It returns an
// error if Kratos is not ready, because then the next identity would fail too.
func (s *Service) postponeUnreadable(ctx context.Context, inv Invitation, cause error) error {
	if err := s.identities.Ping(ctx); err != nil {
		return ErrKratosUnavailable.WithCause(errors.Join(cause, err))
	}
	s.warnOf(inv, "an identity cannot be read; it is checked again later without delaying others", cause)
	if s.config.OnCounted != nil {
		s.config.OnCounted(Counters{Unreadable: 1})
	}
	return nil
}

// reconcileUnresolved checks whether an invitation with an unknown outcome was
// accepted after all. An unavailable Kratos does not prevent the revocation.
func (s *Service) reconcileUnresolved(ctx context.Context, inv Invitation) (Invitation, error) {
	within, cancel := s.detachedContext(ctx)
	defer cancel()
	i, v, err := s.readAndJudge(within, inv.IdentityID, inv.question())
	if err == nil && v == verdictAccepted {
		err = s.reconcileUnclaimed(ctx, inv, v, i)
		if err != nil {
			return inv, err
		}
	}
	return inv, nil
}

// reconcileUnclaimed ends a pending invitation according to the verdict on its
// identity, unless a claim is held. An ended invitation becomes accepted if it was
// the one that activated the identity.
func (s *Service) reconcileUnclaimed(ctx context.Context, inv Invitation, v verdict, i Identity) error {
	now, ends := s.now(), s.prepareClaimEnd(i.Mark.Method)
	late := false
	err := s.update(ctx, func(tx Tx) error {
		late = false
		current, err := tx.Invitation(inv.ID)
		if errors.Is(err, ErrRowNotFound) {
			return nil
		}
		if err != nil || current.Claim != nil {
			return err
		}
		after := current.Reconcile(v, i.Mark, now)
		if v == verdictAccepted {
			after = current.AcceptLate(i.Mark.AcceptedAt, now)
			late = current.State != StatePending && current.State != StateAccepted
		}
		return ends.saveAndEnqueue(tx, current, after, now)
	})
	s.wake(ends.accepted, ends.revoked)
	if err == nil && late {
		s.warn("an invitation was accepted after it had ended, because a request to Kratos took effect late", "invitation_id", inv.ID.String(), "identity_id", i.ID.String())
	}
	return err
}
