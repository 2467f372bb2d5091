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
		tell(d.incomplete(forsaken+d.why, ""))
		return
	}
	newest, err := d.bridge.client.List(ctx, httpapi.ListQuery{PageSize: witnesses})
	if err != nil {
		var refused *httpapi.Error
		errors.As(err, &refused)
		tell(d.incomplete(forsaken+err.Error(), d.bridge.hint(err, refused)))
		return
	}
	var f fixer
	if d.fix {
		if f, err = d.fixer(ctx, newest.Items); err != nil {
			tell(d.unfinished(ctx, err, 0))
			return
		}
	}
	marked, found := 0, 0
	zones := zoneCheck{since: d.config.NeverUsedSince()}
	for m, err := range d.admin.Marked(ctx) {
		gone := false
		if err == nil {
			marked++
			zones.look(m)
			gone, err = d.forsaken(ctx, m)
		}
		if err != nil {
			tell(d.unfinished(ctx, err, marked))
			return
		}
		if gone {
			found++
			tell(f.treat(ctx, m))
		}
	}
	if zones.shifted > 0 {
		tell(zones.finding())
	}
	if f.spared > 0 {
		tell(problem(fmt.Sprintf("%d identities were not deleted, for %s", f.spared, f.doubt), doubtAdvice))
	}
	tell(fine("%d bear the bridge's mark, and %d of them have lost their invitation", marked, found))
}

// incomplete is a problem to who wants something done, and has to know that it
// was not.
func (d *doctor) incomplete(message, advice string) finding {
	if d.fix {
		return problem(message, advice)
	}
	return warning(message, advice)
}

func (d *doctor) unfinished(ctx context.Context, err error, marked int) finding {
	if ctx.Err() != nil {
		return d.incomplete(fmt.Sprintf("the time was up after %d identities that bear the bridge's mark", marked), "give it more by --timeout")
	}
	var e *bridge.IdentityError
	if errors.As(err, &e) && e.Op == kratos.OpSchema {
		return d.incomplete(forsaken+reason(err), "set kratos.email_trait, or let this machine read the schema")
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
