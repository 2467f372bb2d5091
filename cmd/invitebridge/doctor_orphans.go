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

// minOrphanAge excludes identities whose invitation may not be stored yet.
const minOrphanAge = 10 * time.Minute

const notCompared = "identities are not compared with invitations: "

// identities looks for orphaned identities. Its memory use does not grow with
// their number.
func (d *doctor) identities(ctx context.Context, add func(finding)) {
	if d.bridge == nil {
		add(d.incomplete(notCompared+d.noBridgeReason, ""))
		return
	}
	newest, err := d.bridge.client.List(ctx, httpapi.ListQuery{PageSize: sampleSize})
	if err != nil {
		var refused *httpapi.Error
		errors.As(err, &refused)
		add(d.incomplete(notCompared+err.Error(), d.bridge.hint(err, refused)))
		return
	}
	var f orphanDeleter
	if d.fix {
		if f, err = d.orphanDeleter(ctx, newest.Items); err != nil {
			add(d.unfinished(ctx, err, 0))
			return
		}
	}
	marked, found := 0, 0
	zones := zoneCheck{since: d.config.NeverUsedSince()}
	for m, err := range d.admin.ListMarked(ctx) {
		gone := false
		if err == nil {
			marked++
			zones.add(m)
			gone, err = d.isOrphaned(ctx, m)
		}
		if err != nil {
			add(d.unfinished(ctx, err, marked))
			return
		}
		if gone {
			found++
			add(f.handle(ctx, m))
		}
	}
	if zones.shifted > 0 {
		add(zones.finding())
	}
	if f.skipped > 0 {
		add(problem(fmt.Sprintf("%d identities were not deleted: %s", f.skipped, f.abortReason), abortAdvice))
	}
	add(passed("%d identities have the bridge's metadata, and %d of them are orphaned", marked, found))
}

// incomplete returns a problem with --fix, because then the caller must know that
// something was not done, and a warning otherwise.
func (d *doctor) incomplete(message, advice string) finding {
	if d.fix {
		return problem(message, advice)
	}
	return warning(message, advice)
}

func (d *doctor) unfinished(ctx context.Context, err error, marked int) finding {
	if ctx.Err() != nil {
		return d.incomplete(fmt.Sprintf("timed out after %d identities with the bridge's metadata", marked), "increase --timeout")
	}
	var e *bridge.IdentityError
	if errors.As(err, &e) && e.Op == kratos.OpSchema {
		return d.incomplete(notCompared+reason(err), "set kratos.email_trait, or let this machine read the schema")
	}
	return problem(fmt.Sprintf("failed after %d identities with the bridge's metadata: %s", marked, reason(err)), "fix that, and run doctor again")
}

// isOrphaned reports whether the bridge has no invitation of an identity: neither
// the one in its metadata nor a later one that adopted it. Accepted identities are
// never orphaned: their invitations are purged by design.
func (d *doctor) isOrphaned(ctx context.Context, m kratos.MarkedIdentity) (bool, error) {
	if m.Age < minOrphanAge || !m.Mark.AcceptedAt.IsZero() {
		return false, nil
	}
	_, err := d.bridge.client.Get(ctx, m.Mark.InvitationID)
	if !errors.Is(err, bridge.ErrNotFound) {
		return false, err
	}
	adopted, err := d.wasAdopted(ctx, m.Email, m.ID)
	return !adopted, err
}

func (d *doctor) wasAdopted(ctx context.Context, email string, identity uuid.UUID) (bool, error) {
	query := httpapi.ListQuery{Email: email, PageSize: maxPageSize}
	for email != "" { // an empty email would list all invitations
		page, err := d.bridge.client.List(ctx, query)
		if errors.Is(err, bridge.ErrEmailInvalid) {
			return false, nil // such an address cannot be invited
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
