package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Leftover is the cleanup state of the identity of an invitation that ended
// without an acceptance. Empty: not decided.
type Leftover string

// The cleanup states.
const (
	LeftoverDue     Leftover = "due"     // the sweep checks it, and deletes it if that is still permitted
	LeftoverSettled Leftover = "settled" // it was deleted, or is kept
)

func (u Unaccepted) deletes() bool { return u == DeleteAtPurge || u == DeleteAtExpiry }

// deletable reports whether the bridge may delete the identity, as far as the
// invitation shows.
func (i Invitation) deletable() bool {
	return i.Origin == OriginCreated && i.Baseline != nil && (i.State == StateExpired || i.State == StateRevoked)
}

// decideLeftover decides whether the identity of an ended invitation is to be
// deleted.
func (i Invitation) decideLeftover(u Unaccepted, now time.Time) Invitation {
	if i.deletable() && (i.State == StateRevoked && u.deletes() || u == DeleteAtExpiry) {
		return i.markForDeletion(now)
	}
	return i
}

func (i Invitation) markForDeletion(now time.Time) Invitation {
	i.Leftover = LeftoverDue
	if i.CheckAt.IsZero() || !now.Before(i.UnresolvedUntil) {
		i.CheckAt, i.Checks = later(now, i.UnresolvedUntil), 0
	}
	return i
}

// recheckLeftover checks the identity of an invitation for a late write. Once that
// is ruled out, it deletes the identity if it is due to be deleted.
func (s *Service) recheckLeftover(ctx context.Context, inv Invitation) error {
	now := s.now()
	if inv.Leftover == LeftoverDue && !now.Before(inv.UnresolvedUntil) {
		return s.disposeOfIdentity(ctx, inv)
	}
	within, cancel := s.checkContext(ctx, inv.Checks)
	defer cancel()
	i, v, err := s.readAndJudge(within, inv.IdentityID, inv.question())
	if err != nil {
		return s.postponeLeftover(ctx, inv, err)
	}
	if v == verdictAccepted {
		return s.reconcileUnclaimed(ctx, inv, v, i)
	}
	return s.updateLeftover(ctx, inv, func(i Invitation) Invitation {
		switch {
		case now.Before(i.UnresolvedUntil): // the last check is at UnresolvedUntil
			i.CheckAt, i.Checks = earlier(now.Add(pauseAfter(i.Checks)), i.UnresolvedUntil), i.Checks+1
		case i.Leftover == LeftoverDue: // it became due during this check
			i.CheckAt, i.Checks = now, 0
		default:
			i.CheckAt, i.Checks = time.Time{}, 0
		}
		return i
	})
}

// postponeLeftover schedules another check after a failure. It returns an error,
// which ends the sweep, if Kratos is not ready.
func (s *Service) postponeLeftover(ctx context.Context, inv Invitation, cause error) error {
	if err := s.postponeUnreadable(ctx, inv, cause); err != nil {
		return err
	}
	return s.scheduleRecheck(ctx, inv)
}

func (s *Service) scheduleRecheck(ctx context.Context, inv Invitation) error {
	now := s.now()
	return s.updateLeftover(ctx, inv, func(i Invitation) Invitation {
		i.CheckAt, i.Checks = now.Add(pauseAfter(i.Checks)), i.Checks+1
		return i
	})
}

// updateLeftover changes an invitation that is being checked, unless it was
// claimed or rescheduled in the meantime.
func (s *Service) updateLeftover(ctx context.Context, inv Invitation, change func(Invitation) Invitation) error {
	return s.update(ctx, func(tx Tx) error {
		current, err := tx.Invitation(inv.ID)
		if errors.Is(err, ErrRowNotFound) || err == nil && (current.Claim != nil || !current.CheckAt.Equal(inv.CheckAt)) {
			return nil
		} else if err != nil {
			return err
		}
		return tx.PutInvitation(change(current))
	})
}

// disposeOfIdentity deletes the identity of an ended invitation, if that is still
// permitted. The locks keep a concurrent invite or resend from using the identity.
func (s *Service) disposeOfIdentity(ctx context.Context, inv Invitation) error {
	if !s.config.Unaccepted.deletes() { // the configuration has changed since
		return s.keepLeftover(ctx, inv)
	}
	held, err := s.tryLockBoth(ctx, inv)
	if errors.Is(err, ErrStoreUnavailable) {
		return err
	} else if err != nil {
		return s.scheduleRecheck(ctx, inv) // the address is being invited
	}
	defer held.release(ctx)
	within, cancel := s.checkContext(ctx, inv.Checks)
	defer cancel()
	err = s.deleteUnused(within, held, inv)
	var refused refusal
	switch {
	case errors.As(err, &refused) && refused.verdict == verdictAccepted:
		return s.reconcileUnclaimed(ctx, inv, refused.verdict, refused.identity)
	case err == nil, errors.As(err, &refused), errors.Is(err, errIdentityReinvited):
		return s.keepLeftover(ctx, inv)
	case errors.Is(err, ErrStoreUnavailable) && within.Err() == nil:
		return err
	case inv.Checks >= maxChecks:
		s.warn("the identity of an unaccepted invitation could not be deleted and is kept; check it in Kratos", "invitation_id", inv.ID.String(), "identity_id", inv.IdentityID.String(), "cause", err.Error())
		return s.keepLeftover(ctx, inv)
	}
	return s.postponeLeftover(ctx, inv, err)
}

// maxChecks bounds the attempts to delete an identity while Kratos is otherwise
// ready: a month of hourly checks, during which the invitation is kept.
const maxChecks = 720

func (s *Service) keepLeftover(ctx context.Context, inv Invitation) error {
	return s.updateLeftover(ctx, inv, func(i Invitation) Invitation {
		if i.Leftover == LeftoverDue {
			i.Leftover, i.CheckAt, i.Checks = LeftoverSettled, time.Time{}, 0
		}
		return i
	})
}

// deleteUnused deletes the identity of an invitation if it was never used.
func (s *Service) deleteUnused(ctx context.Context, held *hold, inv Invitation) error {
	q := inv.question()
	q.mustBeOwned = true
	unused := q
	unused.baseline, unused.since = nil, s.config.NeverUsedSince
	if i, v, err := s.readAndJudge(ctx, inv.IdentityID, unused); err != nil {
		return err
	} else if v != verdictFree {
		return refusal{v, i}
	}
	w := writer{service: s, identity: inv.IdentityID, question: q, begin: func(ctx context.Context, _ Identity, _ Write) error {
		now := s.now()
		return s.update(ctx, func(tx Tx) error {
			current, err := tx.Invitation(inv.ID)
			if err == nil && (!current.deletable() || current.Leftover != LeftoverDue) {
				err = errIdentityReinvited
			}
			if err != nil {
				return err
			}
			if pending, err := pendingOf(tx, inv.IdentityID); err != nil || pending.ID != uuid.Nil {
				return errors.Join(err, errIdentityReinvited)
			}
			return held.check(tx, now)
		})
	}}
	return w.delete(ctx)
}

func (w writer) delete(ctx context.Context) error {
	err := w.write(ctx, func(Identity) (Write, error) { return DeleteIdentity{}, nil })
	if errors.Is(err, ErrIdentityNotFound) {
		return nil
	}
	return err
}

// errIdentityReinvited means that an identity due to be deleted has been invited
// again.
var errIdentityReinvited = errors.New("the identity has another invitation")

// deleteCreated deletes the identity that this call created, after the invitation
// could not be stored. It does not require the invited address: the identity may
// have another one. The next invite of that address adopts an identity that is left,
// so it is deleted only while held keeps others from that.
func (s *Service) deleteCreated(ctx context.Context, held *hold, inv Invitation) error {
	if err := held.renew(ctx); err != nil {
		return err
	}
	q := inv.question()
	q.mustBeOwned, q.email = true, ""
	w := writer{service: s, identity: inv.IdentityID, question: q, begin: func(context.Context, Identity, Write) error { return nil }}
	return w.delete(ctx)
}

// DeleteOrphan deletes an identity that carries the mark of an invitation that is
// no longer stored, if the bridge created the identity and it was never used.
// deleted reports whether it did. Use it only for identities that are in no
// bridge's store: it takes no lock and reads no store.
func DeleteOrphan(ctx context.Context, identities Identities, id, invitation uuid.UUID, email string, since time.Time) (deleted bool, err error) {
	s := NewService(nil, identities, Config{})
	w := writer{
		service: s, identity: id, question: question{invitation: invitation, email: email, mustBeOwned: true, since: since},
		begin: func(context.Context, Identity, Write) error { return nil },
	}
	err = w.delete(ctx)
	var refused refusal
	if errors.As(err, &refused) {
		return false, nil
	}
	return err == nil, err
}

// Unaccepted is what happens to the identity of an unaccepted invitation.
type Unaccepted string

// The policies. Those that delete also delete when an invitation is revoked.
const (
	KeepUnaccepted Unaccepted = "keep"
	DeleteAtPurge  Unaccepted = "at_purge"
	DeleteAtExpiry Unaccepted = "at_expiry"
)
