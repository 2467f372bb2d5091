package bridge

import (
	"context"
)

// checkInvited reads the identity of an invitation and checks that it is still not
// in use. If it is, a pending invitation without a claim is ended.
//
// Errors: ErrIdentityInUse; ErrRevoked if the identity was deleted; ErrAccepted if
// this invitation activated it.
func (s *Service) checkInvited(ctx context.Context, inv Invitation) (Identity, error) {
	i, v, err := s.readAndJudge(ctx, inv.IdentityID, inv.question())
	if err != nil {
		return i, identityError(err)
	}
	if v == verdictFree {
		return i, nil
	}
	// During a claim, the identity may be active because of that claim. Its holder
	// reconciles it, or the sweep.
	if err := s.reconcileUnclaimed(ctx, inv, v, i); err != nil {
		return i, err
	}
	switch v {
	case verdictAccepted:
		return i, ErrAccepted
	case verdictGone:
		return i, ErrRevoked
	case verdictAddressChanged:
		return i, ErrIdentityInUse.WithReasonf(textAddressChanged)
	default:
		return i, ErrIdentityInUse
	}
}

// textAddressChanged is the reason for the inviter if the identity has another
// address.
const textAddressChanged = "The identity now has another email address. Invite that address instead."
