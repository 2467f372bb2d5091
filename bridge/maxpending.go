package bridge

import "context"

// checkMayInvite returns the error of checkPending if one more invitation would be too
// many. It is checked again in the update that stores the invitation.
//
// Errors: ErrTooManyPending, ErrStoreUnavailable.
func (s *Service) checkMayInvite(ctx context.Context, by Creator, maxPending int) error {
	if maxPending == 0 {
		return nil
	}
	return s.view(ctx, func(tx Tx) error { return checkPending(tx, by, maxPending, 1) })
}

// withinPending returns put, after which not more than maxPending invitations by the same
// creator are pending; 0: any number.
//
// Errors: those of put; ErrTooManyPending.
func withinPending(maxPending int, put func(Tx, Invitation) error) func(Tx, Invitation) error {
	if maxPending == 0 {
		return put
	}
	return func(tx Tx, inv Invitation) error {
		if err := put(tx, inv); err != nil {
			return err
		}
		return checkPending(tx, inv.CreatedBy, maxPending, 0)
	}
}

// checkPending returns ErrTooManyPending if more than maxPending invitations by a creator
// would be pending with further ones.
func checkPending(tx Tx, by Creator, maxPending, further int) error {
	n, err := tx.CountPending(by, maxPending+1)
	if err == nil && n+further > maxPending {
		err = ErrTooManyPending.WithDetails("max_pending", maxPending)
	}
	return err
}
