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

// verifiableAddress returns the one verifiable address of an identity.
func (c *contract) verifiableAddress(t *testing.T, id uuid.UUID) shownAddress {
	t.Helper()
	var all []shownAddress
	if err := json.Unmarshal(c.raw(t, id)["verifiable_addresses"], &all); err != nil || len(all) != 1 {
		t.Fatalf("verifiable addresses are %+v, %v; want one", all, err)
	}
	return all[0]
}

func (c *contract) wantVerified(t *testing.T, id uuid.UUID, at time.Time) {
	t.Helper()
	m := c.verifiableAddress(t, id)
	if !m.Verified || m.Status != "completed" || !m.VerifiedAt.Equal(at) {
		t.Errorf("the address is %+v, want it verified at %v", m, at)
	}
}

func (c *contract) wantUnverified(t *testing.T, id uuid.UUID) {
	t.Helper()
	if m := c.verifiableAddress(t, id); m.Verified || m.Status != "pending" || !m.VerifiedAt.IsZero() {
		t.Errorf("the address is %+v, want it unverified", m)
	}
}

var verifyTests = map[string]func(*testing.T, *contract){
	"marks the address and keeps the rest": func(t *testing.T, c *contract) {
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
		before := c.verifiableAddress(t, made.ID)
		c.mustWrite(t, made.ID, bridge.WriteVerified{At: acceptedAt})
		c.wantVerified(t, made.ID, acceptedAt)
		c.mustWrite(t, made.ID, activation(n.InvitationID, goodPassword))
		c.wantVerified(t, made.ID, acceptedAt)
		if after := c.verifiableAddress(t, made.ID); after.ID != before.ID || after.Value != before.Value || after.Via != before.Via {
			t.Errorf("the address is %+v, was %+v", after, before)
		}
		c.wantSignIn(t, made.Email, goodPassword, nil)
		after := c.get(t, made.ID)
		if want := activation(n.InvitationID, "").Mark; !after.Active || !after.EmailVerified || after.Mark != want {
			t.Errorf("after it: %+v", after)
		}
		wantJSON(t, "traits", after.Traits, traits)
		wantJSON(t, "metadata_public", after.MetadataPublic, string(n.MetadataPublic))
		wantJSON(t, "metadata_admin", after.MetadataAdmin, string(n.MetadataAdmin))
	},
	"keeps the state": func(t *testing.T, c *contract) {
		i, _ := c.invite(t)
		c.mustWrite(t, i.ID, bridge.WriteVerified{At: acceptedAt})
		if after := c.get(t, i.ID); after.Active || len(after.Credentials) > 0 || !after.EmailVerified || !after.StateChangedAt.Equal(i.StateChangedAt) {
			t.Errorf("after it: %+v", after)
		}
	},
	"address moved": func(t *testing.T, c *contract) {
		i, _ := c.invite(t)
		err := c.admin.Replace(c.ctx, i.ID, fmt.Sprintf(`{"schema_id":%q,"state":"inactive","traits":{"email":%q}}`, DefaultSchema, freshEmail()))
		if err != nil {
			t.Fatal(err)
		}
		if err := errorOf(c.ids.Write(c.ctx, i, bridge.WriteVerified{At: acceptedAt})); err == nil {
			t.Error("no error")
		}
		c.wantUnverified(t, i.ID)
	},
	// Kratos stores such a number, and a PUT may send it back. v1.3.1 then
	// rejects any PATCH; v25.4.0 and later apply it and keep the number.
	"number too large for floating point": func(t *testing.T, c *contract) {
		for _, body := range []string{
			`{"schema_id":%q,"state":"inactive","traits":{"email":%q,"numbers":[1E400]}}`,
			`{"schema_id":%q,"state":"inactive","traits":{"email":%q},"metadata_public":{"n":1E400}}`,
			`{"schema_id":%q,"state":"inactive","traits":{"email":%q},"metadata_admin":{"n":1E400}}`,
		} {
			id := c.createAsAdmin(t, body, DefaultSchema, freshEmail())
			before := c.get(t, id)
			err := c.write(t, id, bridge.WriteVerified{At: acceptedAt})
			after := c.get(t, id)
			if after.Active || len(after.Credentials) > 0 {
				t.Errorf("%s: after it: %+v", body, after)
			}
			if err != nil {
				wantOutcome(t, err, bridge.OutcomeRejected)
				c.wantUnverified(t, id)
			} else {
				c.wantVerified(t, id, acceptedAt)
				wantJSON(t, "traits", after.Traits, string(before.Traits))
				wantJSON(t, "metadata_public", after.MetadataPublic, string(before.MetadataPublic))
				wantJSON(t, "metadata_admin", after.MetadataAdmin, string(before.MetadataAdmin))
			}
			if err := c.write(t, id, activation(uuid.New(), goodPassword)); err != nil {
				t.Errorf("%s: without the PATCH: %v", body, err)
			}
		}
	},
}
