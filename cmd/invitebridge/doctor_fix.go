package main

import (
	"context"
	"errors"
	"time"

	"invitebridge/bridge"
	"invitebridge/kratos"
)

// sampleSize is how many of the newest invitations are checked before anything
// is deleted.
const sampleSize = 20

const abortAdvice = "mount the right store, or use the bridge of this Kratos; if the store is lost permanently, invite one address and run doctor again"

// orphanDeleter reports orphaned identities and, with --fix, deletes them. The
// zero value only reports.
type orphanDeleter struct {
	admin       *kratos.Client // nil: --fix was not given
	since       time.Time      // kratos.never_used_since
	abortReason string         // why nothing is deleted despite --fix; empty: deletes
	skipped     int            // identities not deleted because of abortReason
}

// orphanDeleter returns one that deletes nothing if the bridge has no identity of
// this Kratos: its store was not mounted, or it belongs to another environment.
// For such a bridge, every identity looks orphaned.
func (d *doctor) orphanDeleter(ctx context.Context, newest []bridge.InvitationView) (orphanDeleter, error) {
	since := d.config.NeverUsedSince()
	if len(newest) == 0 {
		return orphanDeleter{admin: d.admin, since: since, abortReason: "the bridge has no invitations, so it may have the wrong store"}, nil
	}
	for _, invitation := range newest {
		_, err := d.admin.Get(ctx, invitation.IdentityID)
		if !errors.Is(err, bridge.ErrIdentityNotFound) {
			return orphanDeleter{admin: d.admin, since: since}, err
		}
	}
	return orphanDeleter{admin: d.admin, since: since, abortReason: "this Kratos does not have the identities of the bridge's newest invitations, so it may be the bridge of another Kratos"}, nil
}

// handle deletes an orphaned identity if requested and allowed, and returns the
// result as a finding. Nothing here holds the bridge's locks: an invitation that
// adopts the identity in the milliseconds since the check loses it. Inviting
// again fixes that.
func (x *orphanDeleter) handle(ctx context.Context, m kratos.MarkedIdentity) (f finding) {
	defer func() { f.IdentityID, f.Email = m.ID.String(), m.Email }()
	const gone = "its invitation is gone"
	switch {
	case m.Active:
		return warning(gone+", and it was activated outside the bridge", "it is not deleted; investigate if that was not intended")
	case m.Email == "":
		return warning(gone+", and it has no email address that Kratos knows", "it is not deleted; delete it in Kratos if it is not needed")
	case x.admin == nil:
		return warning(gone, "invite the address again, or run doctor --fix, which deletes it if the bridge created it and it was never used")
	case x.abortReason != "":
		x.skipped++
		return warning("the bridge does not have its invitation", "it is not deleted, see below")
	}
	deleted, err := bridge.DeleteOrphan(ctx, x.admin, m.ID, m.Mark.InvitationID, m.Email, x.since)
	switch {
	case err != nil:
		return problem(gone+", and it could not be deleted: "+reason(err), "run doctor --fix again")
	case deleted:
		return passed("%s, and it was deleted", gone)
	}
	return warning(gone+", and it was kept: it was used, has credentials, or existed before its invitation", "delete it in Kratos if it is not needed")
}
