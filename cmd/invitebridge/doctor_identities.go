package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
	"invitebridge/kratos"
)

// settledAge leaves out identities whose invitation may be about to be stored.
const settledAge = 10 * time.Minute

const forsaken = "identities are not compared with invitations: "

// identities looks for those that the bridge made, and has no invitation of.
// What it keeps does not grow with their number.
func (d *doctor) identities(ctx context.Context, tell func(finding)) {
	if d.bridge == nil {
		tell(warning(forsaken+d.why, ""))
		return
	}
	if _, err := d.bridge.client.List(ctx, httpapi.ListQuery{PageSize: 1}); err != nil {
		var refused *httpapi.Error
		errors.As(err, &refused)
		tell(warning(forsaken+err.Error(), d.bridge.hint(err, refused)))
		return
	}
	marked, found := 0, 0
	for m, err := range d.admin.Marked(ctx) {
		gone := false
		if err == nil {
			marked++
			gone, err = d.forsaken(ctx, m)
		}
		if err != nil {
			tell(d.unfinished(ctx, err, marked))
			return
		}
		if gone {
			found++
			tell(d.treat(ctx, m))
		}
	}
	tell(fine("%d bear the bridge's mark, and %d of them have lost their invitation", marked, found))
}

func (d *doctor) unfinished(ctx context.Context, err error, marked int) finding {
	if ctx.Err() != nil {
		return warning(fmt.Sprintf("the time was up after %d identities that bear the bridge's mark", marked), "give it more by --timeout")
	}
	return problem(fmt.Sprintf("after %d identities that bear the bridge's mark: %s", marked, reason(err)), "mend that, and run it again")
}

// forsaken says whether the bridge has no invitation of an identity: neither the
// one of its mark nor a later one that has adopted it. Of those that were
// accepted, invitations are purged in time; that is as it should be.
func (d *doctor) forsaken(ctx context.Context, m kratos.Marked) (bool, error) {
	if m.Age < settledAge || !m.Mark.AcceptedAt.IsZero() {
		return false, nil
	}
	_, err := d.bridge.client.Get(ctx, m.Mark.InvitationID)
	if !errors.Is(err, bridge.ErrNotFound) {
		return false, err
	}
	adopted, err := d.adopted(ctx, m.Email, m.ID)
	return !adopted, err
}

func (d *doctor) adopted(ctx context.Context, email string, identity uuid.UUID) (bool, error) {
	query := httpapi.ListQuery{Email: email, PageSize: maxPageSize}
	for email != "" { // without, the list would be of all
		page, err := d.bridge.client.List(ctx, query)
		if errors.Is(err, bridge.ErrEmailInvalid) {
			return false, nil // nobody can be invited there
		} else if err != nil {
			return false, err
		}
		for _, invitation := range page.Items {
			if invitation.IdentityID == identity {
				return true, nil
			}
		}
		if page.NextPageToken == "" {
			break
		}
		query.PageToken = page.NextPageToken
	}
	return false, nil
}

// treat deletes an identity if it is asked to and may, and tells what became of
// it. An invitation that adopts it in the milliseconds since it was found forsaken
// loses it: nothing here holds the bridge's locks. Inviting again mends that.
func (d *doctor) treat(ctx context.Context, m kratos.Marked) (f finding) {
	defer func() { f.IdentityID, f.Email = m.ID.String(), m.Email }()
	const gone = "its invitation is gone"
	switch {
	case m.Active:
		return warning(gone+", and it became active by another road", "it is left alone; look into it if nobody did that on purpose")
	case m.Email == "":
		return warning(gone+", and it has no e-mail address at kratos.email_trait", "it is left alone; delete it in Kratos if nobody needs it")
	case !d.fix:
		return warning(gone, "invite the address anew, or have it deleted by --fix")
	}
	if err := d.admin.Delete(ctx, m.ID, m.Mark.InvitationID); err != nil {
		return problem(gone+", and it could not be deleted: "+reason(err), "run it again")
	}
	// What may not be deleted stays without an error.
	switch _, err := d.admin.Get(ctx, m.ID); {
	case errors.Is(err, bridge.ErrIdentityNotFound):
		return fine("%s, and it was deleted", gone)
	case err != nil:
		return problem(gone+", and whether it was deleted is not known: "+reason(err), "run it again")
	}
	return warning(gone+", and it stays: it can sign in, or was activated meanwhile", "delete it in Kratos if nobody needs it")
}
