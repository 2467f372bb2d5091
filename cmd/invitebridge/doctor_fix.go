package main

import (
	"context"
	"errors"
	"time"

	"invitebridge/bridge"
	"invitebridge/kratos"
)

// witnesses is how many of the newest invitations are looked at before anything
// is deleted.
const witnesses = 20

const doubtAdvice = "mount the right store, or ask this Kratos' own bridge; if the store is lost for good, invite one address anew and run it again"

// fixer treats forsaken identities. The zero one deletes nothing.
type fixer struct {
	admin  *kratos.Client // nil: --fix was not given
	since  time.Time      // kratos.never_used_since
	doubt  string         // why nothing is deleted all the same; empty: it is
	spared int            // how many are there only because of the doubt
}

// fixer deletes nothing for a bridge that knows no identity of this Kratos: its
// store was not mounted, or it is another environment's. To it each identity
// looks forsaken.
func (d *doctor) fixer(ctx context.Context, newest []bridge.View) (fixer, error) {
	since := d.config.NeverUsedSince()
	if len(newest) == 0 {
		return fixer{admin: d.admin, since: since, doubt: "the bridge has not one invitation: is its store the right one?"}, nil
	}
	for _, invitation := range newest {
		_, err := d.admin.Get(ctx, invitation.IdentityID)
		if !errors.Is(err, bridge.ErrIdentityNotFound) {
			return fixer{admin: d.admin, since: since}, err
		}
	}
	return fixer{admin: d.admin, since: since, doubt: "the bridge's newest invitations are of identities that this Kratos does not have: is it this Kratos' bridge?"}, nil
}

// treat deletes an identity if it is asked to and may, and tells what became of
// it. An invitation that adopts it in the milliseconds since it was found forsaken
// loses it: nothing here holds the bridge's locks. Inviting again mends that.
func (x *fixer) treat(ctx context.Context, m kratos.Marked) (f finding) {
	defer func() { f.IdentityID, f.Email = m.ID.String(), m.Email }()
	const gone = "its invitation is gone"
	switch {
	case m.Active:
		return warning(gone+", and it was activated some other way", "it is left alone; look into it if nobody did that on purpose")
	case m.Email == "":
		return warning(gone+", and it has no e-mail address that Kratos knows", "it is left alone; delete it in Kratos if nobody needs it")
	case x.admin == nil:
		return warning(gone, "invite the address anew, or run --fix, which deletes it if the bridge created it and nobody used it")
	case x.doubt != "":
		x.spared++
		return warning("the bridge does not know its invitation", "not deleted, see below")
	}
	deleted, err := bridge.DeleteForsaken(ctx, x.admin, m.ID, m.Mark.InvitationID, m.Email, x.since)
	switch {
	case err != nil:
		return problem(gone+", and it could not be deleted: "+reason(err), "run it again")
	case deleted:
		return fine("%s, and it was deleted", gone)
	}
	return warning(gone+", and it stays: it was used, can be signed in to, or was there before the bridge", "delete it in Kratos if nobody needs it")
}
