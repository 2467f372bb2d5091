package kratostest

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

var createAllTests = map[string]func(*testing.T, *contract){
	"nothing": func(t *testing.T, c *contract) {
		if results := c.ids.CreateAll(c.ctx, nil); len(results) != 0 {
			t.Errorf("results are %+v", results)
		}
	},
	"one": func(t *testing.T, c *contract) {
		c.createAll(t, []bridge.IdentityParams{newIdentity(freshEmail())}, []error{nil})
	},
	"shows what a read shows": func(t *testing.T, c *contract) {
		n := []bridge.IdentityParams{newIdentity(freshEmail()), newIdentity("Name." + strings.ToUpper(freshEmail())), newIdentity(freshEmail())}
		n[1].MetadataPublic = json.RawMessage(`{"public":` + exactNumbers + `,"html":"<&>\u2028"}`)
		n[1].MetadataAdmin = json.RawMessage(`{"z":` + exactNumbers + `,"a":null}`)
		n[2].SchemaID, n[2].Traits = "customer", json.RawMessage(`{"contact":{"email":"`+freshEmail()+`"}}`)
		results := c.createAll(t, n, []error{nil, nil, nil})
		wantJSON(t, "metadata_public", results[1].Identity.MetadataPublic, string(n[1].MetadataPublic))
		wantJSON(t, "metadata_admin", results[1].Identity.MetadataAdmin, string(n[1].MetadataAdmin))
	},
	"more than one request": func(t *testing.T, c *contract) {
		n := make([]bridge.IdentityParams, 501)
		for i := range n {
			n[i] = newIdentity(freshEmail())
		}
		results := c.ids.CreateAll(c.ctx, n)
		for i, r := range results {
			if r.Err != nil || r.Identity.Mark.InvitationID != n[i].InvitationID {
				t.Fatalf("result %d is %+v", i, r)
			}
		}
		for _, i := range []int{0, 499, 500} {
			c.wantCreated(t, n[i], results[i])
		}
	},
	"one of twenty exists": func(t *testing.T, c *contract) {
		existing, _ := c.invite(t)
		existing = c.get(t, existing.ID)
		n, want := make([]bridge.IdentityParams, 20), make([]error, 20)
		for i := range n {
			n[i] = newIdentity(freshEmail())
		}
		n[7], want[7] = newIdentity(strings.ToUpper(existing.Email)), bridge.ErrIdentityExists
		c.createAll(t, n, want)
		wantSame(t, "the existing one", c.get(t, existing.ID), existing)
	},
	"the same address twice": func(t *testing.T, c *contract) {
		email := freshEmail()
		n := []bridge.IdentityParams{newIdentity(freshEmail()), newIdentity(email), newIdentity(strings.ToUpper(email)), newIdentity(freshEmail())}
		c.createAll(t, n, []error{nil, nil, bridge.ErrIdentityExists, nil})
	},
	"all of them exist": func(t *testing.T, c *contract) {
		n := []bridge.IdentityParams{newIdentity(freshEmail()), newIdentity(freshEmail())}
		first := c.createAll(t, n, []error{nil, nil})
		c.createAll(t, n, []error{bridge.ErrIdentityExists, bridge.ErrIdentityExists})
		for _, r := range first {
			wantSame(t, "afterwards", c.get(t, r.Identity.ID), r.Identity)
		}
	},
	"some are invalid": func(t *testing.T, c *contract) {
		existing, _ := c.invite(t)
		n := []bridge.IdentityParams{newIdentity(freshEmail()), newIdentity("no address"), newIdentity(freshEmail()), newIdentity(freshEmail()), newIdentity(existing.Email), newIdentity(freshEmail())}
		n[2].SchemaID = "no-such-schema"
		n[3].MetadataAdmin = json.RawMessage(`{"invitation":"mine"}`)
		results := c.ids.CreateAll(c.ctx, n)
		wantOutcome(t, results[1].Err, bridge.OutcomeInvalid, "traits.email")
		wantOutcome(t, results[2].Err, bridge.OutcomeInvalid, "no-such-schema")
		wantOutcome(t, results[3].Err, bridge.OutcomeInvalid, "metadata_admin")
		wantError(t, results[4].Err, bridge.ErrIdentityExists)
		for _, i := range []int{0, 5} {
			c.wantCreated(t, n[i], results[i])
		}
	},
	"ids that Kratos may not know": func(t *testing.T, c *contract) {
		n := []bridge.IdentityParams{newIdentity(freshEmail()), newIdentity(freshEmail()), newIdentity(freshEmail()), newIdentity(freshEmail())}
		n[1].ExternalID = uuid.NewString()
		n[2].OrganizationID = uuid.New()
		n[3].ExternalID, n[3].OrganizationID = uuid.NewString(), uuid.New()
		want := make([]error, 4)
		if !c.takesIDs(t) {
			want = []error{nil, bridge.ErrIdentityFieldUnknown, bridge.ErrIdentityFieldUnknown, bridge.ErrIdentityFieldUnknown}
		}
		for i, r := range c.createAll(t, n, want) {
			if want[i] == nil && (r.Identity.ExternalID != n[i].ExternalID || r.Identity.OrganizationID != n[i].OrganizationID) {
				t.Errorf("made %+v", r.Identity)
			}
		}
	},
	"an external id twice": func(t *testing.T, c *contract) {
		n := []bridge.IdentityParams{newIdentity(freshEmail()), newIdentity(freshEmail()), newIdentity(freshEmail())}
		n[1].ExternalID = uuid.NewString()
		n[2].ExternalID = n[1].ExternalID
		want := []error{nil, nil, bridge.ErrIdentityExists}
		if !c.takesIDs(t) {
			want = []error{nil, bridge.ErrIdentityFieldUnknown, bridge.ErrIdentityFieldUnknown}
		}
		c.createAll(t, n, want)
	},
	"an invitation twice": func(t *testing.T, c *contract) {
		n := []bridge.IdentityParams{newIdentity(freshEmail()), newIdentity(freshEmail())}
		n[1].InvitationID = n[0].InvitationID
		results := c.ids.CreateAll(c.ctx, n)
		c.wantCreated(t, n[0], results[0])
		wantOutcome(t, results[1].Err, bridge.OutcomeRejected)
	},
	"context ended": func(t *testing.T, c *contract) {
		n := []bridge.IdentityParams{newIdentity(freshEmail()), newIdentity(freshEmail())}
		for i, r := range c.ids.CreateAll(canceled(c.ctx), n) {
			wantOutcome(t, r.Err, bridge.OutcomeNotApplied)
			wantError(t, r.Err, context.Canceled)
			_, err := c.ids.FindByEmail(c.ctx, emailOf(t, n[i]))
			wantError(t, err, bridge.ErrIdentityNotFound)
		}
	},
}

// createAll checks every result: what was created is what a read by id or by address
// shows, and the address of what was not created is not an identity of that
// invitation.
func (c *contract) createAll(t *testing.T, n []bridge.IdentityParams, want []error) []bridge.CreateResult {
	t.Helper()
	results := c.ids.CreateAll(c.ctx, n)
	if len(results) != len(n) {
		t.Fatalf("%d results, want %d", len(results), len(n))
	}
	for i, r := range results {
		if want[i] == nil {
			c.wantCreated(t, n[i], r)
			continue
		}
		wantError(t, r.Err, want[i])
		if r.Identity.ID != uuid.Nil {
			t.Errorf("result %d has the error %v and the identity %v", i, r.Err, r.Identity.ID)
		}
	}
	return results
}

func (c *contract) wantCreated(t *testing.T, n bridge.IdentityParams, r bridge.CreateResult) {
	t.Helper()
	if r.Err != nil {
		t.Fatalf("CreateAll: %v", r.Err)
	}
	i := r.Identity
	if i.Active || len(i.Credentials) > 0 || i.Mark != (bridge.Mark{InvitationID: n.InvitationID}) || i.StateChangedAt.IsZero() {
		t.Errorf("made %+v", i)
	}
	wantJSON(t, "traits", i.Traits, string(n.Traits))
	wantSame(t, "by id", c.get(t, i.ID), i)
	found, err := c.ids.FindByEmail(c.ctx, emailOf(t, n))
	if err != nil {
		t.Fatalf("FindByEmail: %v", err)
	}
	wantSame(t, "by email", found, i)
}

// emailOf returns the address in the traits, as Kratos stores it.
func emailOf(t *testing.T, n bridge.IdentityParams) string {
	t.Helper()
	var traits struct {
		Email   string
		Contact struct{ Email string }
	}
	if err := json.Unmarshal(n.Traits, &traits); err != nil {
		t.Fatal(err)
	}
	return strings.ToLower(traits.Email + traits.Contact.Email)
}
