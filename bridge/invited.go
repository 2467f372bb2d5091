package bridge

import (
	"context"
	"errors"
)

// invited reads the identity of an invitation, which must be nobody's still.
// Else a pending invitation without a claim is closed: ErrIdentityInUse;
// ErrRevoked if the identity is gone; ErrAccepted if this invitation activated
// it.
func (s *Service) invited(ctx context.Context, inv Invitation) (Identity, error) {
	i, v, err := s.look(ctx, inv.IdentityID, inv.question())
	if err != nil {
		return i, failure(err)
	}
	if v == verdictFree {
		return i, nil
	}
	// Where a claim is held, the identity may be active because of it: that is
	// for the holder of the claim to settle, or for the sweep.
	if err := s.closeUnclaimed(ctx, inv, v, i); err != nil {
		return i, err
	}
	switch v {
	case verdictAccepted:
		return i, ErrAccepted
	case verdictGone:
		return i, ErrRevoked
	case verdictMoved:
		return i, ErrIdentityInUse.Reasonf(textMoved)
	default:
		return i, ErrIdentityInUse
	}
}

// textMoved is what an inviter reads of an identity that has another address.
const textMoved = "The identity has another e-mail address by now. Invite that one."

// closeUnclaimed ends a pending invitation as the verdict on its identity says,
// unless a claim is held. One that has ended is accepted all the same if it was
// this invitation that activated the identity.
func (s *Service) closeUnclaimed(ctx context.Context, inv Invitation, v verdict, i Identity) error {
	now, ends := s.now(), s.tellEnd()
	late := false
	err := s.update(ctx, func(tx Tx) error {
		late = false
		current, err := tx.Invitation(inv.ID)
		if errors.Is(err, ErrMissing) {
			return nil
		}
		if err != nil || current.Claim != nil {
			return err
		}
		after := current.Settle(v, i.Mark, now)
		if v == verdictAccepted {
			after = current.AcceptLate(i.Mark.AcceptedAt, now)
			late = current.State != StatePending && current.State != StateAccepted
		}
		return ends.change(tx, current, after, now)
	})
	s.wake(ends.accepted, ends.revoked)
	if err == nil && late {
		s.warn("an invitation was accepted after it had ended: a request to Kratos took effect late", "invitation_id", inv.ID.String(), "identity_id", i.ID.String())
	}
	return err
}
