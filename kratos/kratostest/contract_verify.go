package kratostest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// mailbox gives the one verifiable address of an identity.
func (c *contract) mailbox(t *testing.T, id uuid.UUID) shownAddress {
	t.Helper()
	var all []shownAddress
	if err := json.Unmarshal(c.raw(t, id)["verifiable_addresses"], &all); err != nil || len(all) != 1 {
		t.Fatalf("verifiable addresses are %+v, %v; want one", all, err)
	}
	return all[0]
}

func (c *contract) wantVerified(t *testing.T, id uuid.UUID, at time.Time) {
	t.Helper()
	m := c.mailbox(t, id)
	if !m.Verified || m.Status != "completed" || !m.VerifiedAt.Equal(at) {
		t.Errorf("the address is %+v, want it verified at %v", m, at)
	}
}

func (c *contract) wantUnverified(t *testing.T, id uuid.UUID) {
	t.Helper()
	if m := c.mailbox(t, id); m.Verified || m.Status != "pending" || !m.VerifiedAt.IsZero() {
		t.Errorf("the address is %+v, want it unverified", m)
	}
}

// verifying is what comes of a token that travelled by e-mail.
func verifying(invitation uuid.UUID, password string) bridge.Activation {
	a := activation(invitation, password)
	a.VerifyEmail = true
	return a
}

var verifyTests = map[string]func(*testing.T, *contract){
	"marks the address, and keeps the rest": func(t *testing.T, c *contract) {
		n := newIdentity(strings.ToUpper(freshEmail()))
		const numbers = `[12345678901234567890, 1.10, 0.1000000000000000055511151231257827]`
		traits := strings.Replace(string(n.Traits), "}", `,"numbers":`+numbers+`}`, 1)
		n.Traits = json.RawMessage(traits)
		n.MetadataPublic = json.RawMessage(`{"public":` + numbers + `,"html":"<&>"}`)
		n.MetadataAdmin = json.RawMessage(`{"z":` + numbers + `,"a":null}`)
		made, err := c.ids.Create(c.ctx, n)
		if err != nil {
			t.Fatal(err)
		}
		before := c.mailbox(t, made.ID)
		a := verifying(n.InvitationID, goodPassword)
		a.Email = made.Email
		if err := c.ids.Activate(c.ctx, made.ID, a); err != nil {
			t.Fatal(err)
		}
		c.wantVerified(t, made.ID, a.AcceptedAt)
		if after := c.mailbox(t, made.ID); after.ID != before.ID || after.Value != before.Value || after.Via != before.Via {
			t.Errorf("the address is %+v, was %+v", after, before)
		}
		c.wantSignIn(t, made.Email, goodPassword, nil)
		after := c.get(t, made.ID)
		if want := (bridge.Mark{InvitationID: n.InvitationID, AcceptedAt: a.AcceptedAt}); !after.Active || after.Mark != want {
			t.Errorf("after it: %+v", after)
		}
		wantJSON(t, "traits", after.Traits, traits)
		wantJSON(t, "metadata_public", after.MetadataPublic, string(n.MetadataPublic))
		wantJSON(t, "metadata_admin", after.MetadataAdmin, string(n.MetadataAdmin))
	},
	"only if asked to": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		if err := c.ids.Activate(c.ctx, i.ID, activation(n.InvitationID, goodPassword)); err != nil {
			t.Fatal(err)
		}
		c.wantUnverified(t, i.ID)
	},
	"not again": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		first := verifying(n.InvitationID, goodPassword)
		if err := c.ids.Activate(c.ctx, i.ID, first); err != nil {
			t.Fatal(err)
		}
		err := c.admin.Replace(c.ctx, i.ID, fmt.Sprintf(`{"schema_id":%q,"state":"inactive","traits":%s}`, DefaultSchema, i.Traits))
		if err != nil {
			t.Fatal(err)
		}
		later := verifying(uuid.New(), otherPassword)
		later.AcceptedAt = first.AcceptedAt.AddDate(0, 0, 1)
		if err := c.ids.Activate(c.ctx, i.ID, later); err != nil {
			t.Fatal(err)
		}
		c.wantVerified(t, i.ID, first.AcceptedAt)
		c.wantSignIn(t, i.Email, otherPassword, nil)
	},
	"not of an active identity": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		if err := c.ids.Activate(c.ctx, i.ID, activation(n.InvitationID, goodPassword)); err != nil {
			t.Fatal(err)
		}
		a := verifying(n.InvitationID, otherPassword)
		wantError(t, c.ids.Activate(c.ctx, i.ID, a), bridge.ErrIdentityAccepted)
		a.Repeat = true
		if err := c.ids.Activate(c.ctx, i.ID, a); err != nil {
			t.Fatal(err)
		}
		wantError(t, c.ids.Activate(c.ctx, i.ID, verifying(uuid.New(), otherPassword)), bridge.ErrIdentityIsActive)
		c.wantUnverified(t, i.ID)
	},
	"not of another address": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		a := verifying(n.InvitationID, goodPassword)
		a.Email = freshEmail()
		wantError(t, c.ids.Activate(c.ctx, i.ID, a), bridge.ErrIdentityNotFound)
		c.wantUnverified(t, i.ID)
	},
	"not without room for the mark": func(t *testing.T, c *contract) {
		id := c.make(t, `{"schema_id":%q,"state":"inactive","traits":{"email":%q},"metadata_admin":[]}`, DefaultSchema, freshEmail())
		wantOutcome(t, c.ids.Activate(c.ctx, id, verifying(uuid.New(), goodPassword)), bridge.OutcomeRefused, "metadata_admin")
		c.wantUnverified(t, id)
	},
	// Kratos keeps such a number, and a PUT may send it back. v1.3.1 refuses any
	// PATCH then; v25.4.0 and later apply it and keep the number.
	"beside a number too large for floating point": func(t *testing.T, c *contract) {
		for _, body := range []string{
			`{"schema_id":%q,"state":"inactive","traits":{"email":%q,"numbers":[1E400]}}`,
			`{"schema_id":%q,"state":"inactive","traits":{"email":%q},"metadata_public":{"n":1E400}}`,
			`{"schema_id":%q,"state":"inactive","traits":{"email":%q},"metadata_admin":{"n":1E400}}`,
		} {
			id := c.make(t, body, DefaultSchema, freshEmail())
			before, a := c.get(t, id), verifying(uuid.New(), goodPassword)
			err := c.ids.Activate(c.ctx, id, a)
			if err == nil {
				after := c.get(t, id)
				wantJSON(t, "traits", after.Traits, string(before.Traits))
				wantJSON(t, "metadata_public", after.MetadataPublic, string(before.MetadataPublic))
				wantJSON(t, "metadata_admin", after.MetadataAdmin, string(before.MetadataAdmin))
				c.wantVerified(t, id, a.AcceptedAt)
				c.wantSignIn(t, after.Email, goodPassword, nil)
				continue
			}
			wantOutcome(t, err, bridge.OutcomeRefused, "verified")
			if after := c.get(t, id); after.Active || after.HasCredentials {
				t.Errorf("%s: after it: %+v", body, after)
			}
			c.wantUnverified(t, id)
			if err := c.ids.Activate(c.ctx, id, activation(uuid.New(), goodPassword)); err != nil {
				t.Errorf("%s: without the PATCH: %v", body, err)
			}
		}
	},
}
