package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Leftover says how it stands with the identity of an invitation that ended
// unaccepted.
type Leftover string

// An identity that is due to be deleted is looked at, and deleted if it still
// may be. Settled: it was deleted, or is to stay. Empty: nothing was decided.
const (
	LeftoverDue     Leftover = "due"
	LeftoverSettled Leftover = "settled"
)

func (u Unaccepted) deletes() bool { return u == DeleteAtPurge || u == DeleteAtExpiry }

// deletable says whether the identity is one that the bridge may delete, as far
// as the invitation tells.
func (i Invitation) deletable() bool {
	return i.Origin == OriginCreated && i.Baseline != nil && (i.State == StateExpired || i.State == StateRevoked)
}

// leave decides, when an invitation ends, whether its identity is to be deleted.
func (i Invitation) leave(u Unaccepted, now time.Time) Invitation {
	if i.deletable() && (i.State == StateRevoked && u.deletes() || u == DeleteAtExpiry) {
		return i.abandon(now)
	}
	return i
}

func (i Invitation) abandon(now time.Time) Invitation {
	i.Leftover = LeftoverDue
	if i.LookAt.IsZero() || !now.Before(i.DoubtUntil) {
		i.LookAt, i.Looks = later(now, i.DoubtUntil), 0
	}
	return i
}

// watch looks at an identity: for a write that took effect late, and, once that
// is ruled out, to delete it if it is left over.
func (s *Service) watch(ctx context.Context, inv Invitation) error {
	now := s.now()
	if inv.Leftover == LeftoverDue && !now.Before(inv.DoubtUntil) {
		return s.dispose(ctx, inv)
	}
	within, cancel := s.brief(ctx, inv.Looks)
	defer cancel()
	i, v, err := s.look(within, inv.IdentityID, inv.question())
	if err != nil {
		return s.putOff(ctx, inv, err)
	}
	if v == verdictAccepted {
		return s.closeUnclaimed(ctx, inv, v, i)
	}
	return s.changeWatched(ctx, inv, func(i Invitation) Invitation {
		switch {
		case now.Before(i.DoubtUntil): // the last look is when the doubt ends
			i.LookAt, i.Looks = earlier(now.Add(pauseAfter(i.Looks)), i.DoubtUntil), i.Looks+1
		case i.Leftover == LeftoverDue: // since this look began
			i.LookAt, i.Looks = now, 0
		default:
			i.LookAt, i.Looks = time.Time{}, 0
		}
		return i
	})
}

// putOff looks again later, after a failure; unless Kratos is not ready, which
// ends the sweep.
func (s *Service) putOff(ctx context.Context, inv Invitation, cause error) error {
	if err := s.unreadable(ctx, inv, cause); err != nil {
		return err
	}
	return s.lookLater(ctx, inv)
}

func (s *Service) lookLater(ctx context.Context, inv Invitation) error {
	now := s.now()
	return s.changeWatched(ctx, inv, func(i Invitation) Invitation {
		i.LookAt, i.Looks = now.Add(pauseAfter(i.Looks)), i.Looks+1
		return i
	})
}

// changeWatched changes an invitation that is to be looked at, unless it was
// claimed meanwhile.
func (s *Service) changeWatched(ctx context.Context, inv Invitation, change func(Invitation) Invitation) error {
	return s.update(ctx, func(tx Tx) error {
		current, err := tx.Invitation(inv.ID)
		if errors.Is(err, ErrMissing) || err == nil && (current.Claim != nil || !current.LookAt.Equal(inv.LookAt)) {
			return nil
		} else if err != nil {
			return err
		}
		return tx.PutInvitation(change(current))
	})
}

// dispose deletes the identity of an invitation that ended, if it still may be.
// The locks keep an invite or a resend from taking the identity meanwhile.
func (s *Service) dispose(ctx context.Context, inv Invitation) error {
	if !s.config.Unaccepted.deletes() { // it did when the invitation ended
		return s.settleLeftover(ctx, inv)
	}
	unlock, err := s.tryLockBoth(ctx, inv)
	if err != nil {
		return s.lookLater(ctx, inv) // somebody is inviting the address
	}
	defer unlock()
	within, cancel := s.brief(ctx, inv.Looks)
	defer cancel()
	err = s.deleteUnused(within, inv)
	var refused refusal
	switch {
	case errors.As(err, &refused) && refused.verdict == verdictAccepted:
		return s.closeUnclaimed(ctx, inv, refused.verdict, refused.identity)
	case err == nil, errors.As(err, &refused), errors.Is(err, errTaken):
		return s.settleLeftover(ctx, inv)
	case errors.Is(err, ErrStoreAway) && within.Err() == nil:
		return err
	case inv.Looks >= mostLooks:
		s.warn("an identity that nobody accepted could not be deleted, and is left", "invitation_id", inv.ID.String(), "identity_id", inv.IdentityID.String(), "cause", err.Error())
		return s.settleLeftover(ctx, inv)
	}
	return s.putOff(ctx, inv, err)
}

// mostLooks is how often an identity is tried to be deleted, with a Kratos that is
// ready otherwise: a month of hourly looks, for which the invitation is kept.
const mostLooks = 720

func (s *Service) settleLeftover(ctx context.Context, inv Invitation) error {
	return s.changeWatched(ctx, inv, func(i Invitation) Invitation {
		if i.Leftover == LeftoverDue {
			i.Leftover, i.LookAt, i.Looks = LeftoverSettled, time.Time{}, 0
		}
		return i
	})
}

// deleteUnused deletes the identity of an invitation if nobody ever used it.
func (s *Service) deleteUnused(ctx context.Context, inv Invitation) error {
	q := inv.question()
	q.owned = true
	unused := q
	unused.baseline, unused.since = nil, s.config.NeverUsedSince
	if i, v, err := s.look(ctx, inv.IdentityID, unused); err != nil {
		return err
	} else if v != verdictFree {
		return refusal{v, i}
	}
	w := writer{service: s, identity: inv.IdentityID, question: q, begin: func(ctx context.Context, _ Identity, _ Write) error {
		return s.update(ctx, func(tx Tx) error {
			current, err := tx.Invitation(inv.ID)
			if err == nil && (!current.deletable() || current.Leftover != LeftoverDue) {
				err = errTaken
			}
			if err != nil {
				return err
			}
			if pending, err := pendingOf(tx, inv.IdentityID); err != nil || pending.ID != uuid.Nil {
				return errors.Join(err, errTaken)
			}
			return nil
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

// errTaken says that an identity which was left over has another invitation.
var errTaken = errors.New("the identity has another invitation")

// takeBack deletes the identity that this very call created, if the invitation
// could not be stored. The identity may have another address than was asked for.
func (s *Service) takeBack(ctx context.Context, inv Invitation) error {
	q := inv.question()
	q.owned, q.email = true, ""
	w := writer{service: s, identity: inv.IdentityID, question: q, begin: func(context.Context, Identity, Write) error { return nil }}
	return w.delete(ctx)
}

// DeleteForsaken deletes an identity that carries the mark of an invitation
// which is not stored any more, if the bridge created it, and nobody ever used
// it. deleted says whether it did. Only for identities that no bridge knows: it
// takes no lock, and looks at no store.
func DeleteForsaken(ctx context.Context, identities Identities, id, invitation uuid.UUID, email string, since time.Time) (deleted bool, err error) {
	s := NewService(nil, identities, Config{})
	w := writer{
		service: s, identity: id, question: question{invitation: invitation, email: email, owned: true, since: since},
		begin: func(context.Context, Identity, Write) error { return nil },
	}
	err = w.delete(ctx)
	var refused refusal
	if errors.As(err, &refused) {
		return false, nil
	}
	return err == nil, err
}
