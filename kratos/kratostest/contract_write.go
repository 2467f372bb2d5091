package kratostest

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// writeTests cover the writes that leave the identity inactive.
var writeTests = map[string]func(*testing.T, *contract){
	"mark, beside existing metadata": func(t *testing.T, c *contract) {
		for metadata, rest := range map[string]string{
			`null`: ``, `{}`: ``, `{"n":12345678901234567890,"x":[1.10]}`: `{"n":12345678901234567890,"x":[1.10]}`,
			`{"invitation":{"id":"` + uuid.NewString() + `"},"other":{}}`: `{"other":{}}`,
		} {
			id := c.createAsAdmin(t, `{"schema_id":%q,"state":"inactive","traits":{"email":%q},"metadata_admin":%s}`, DefaultSchema, freshEmail(), metadata)
			before := c.get(t, id)
			mark := bridge.Mark{InvitationID: uuid.New(), Origin: bridge.OriginAdopted}
			c.mustWrite(t, id, bridge.WriteMark{Mark: mark})
			after := c.get(t, id)
			if after.Mark != mark || after.Active || !after.StateChangedAt.Equal(before.StateChangedAt) || !after.CreatedAt.Equal(before.CreatedAt) {
				t.Errorf("%s: after it: %+v", metadata, after)
			}
			wantJSON(t, "metadata_admin", after.MetadataAdmin, rest)
		}
	},
	"mark and address, beside credentials": func(t *testing.T, c *contract) {
		for _, credentials := range []string{
			`{}`, `{"password":{"config":{"password":"` + otherPassword + `"}}}`,
			`{"oidc":{"config":{"providers":[{"provider":"idp","subject":"` + uuid.NewString() + `"}]}}}`,
		} {
			id := c.createAsAdmin(t, `{"schema_id":%q,"state":"inactive","traits":{"email":%q},"credentials":%s}`, DefaultSchema, freshEmail(), credentials)
			before := c.get(t, id)
			c.mustWrite(t, id, bridge.WriteMark{Mark: bridge.Mark{InvitationID: uuid.New(), Origin: bridge.OriginAdopted}})
			c.mustWrite(t, id, bridge.WriteVerified{At: acceptedAt})
			if after := c.get(t, id); !reflect.DeepEqual(after.Credentials, before.Credentials) {
				t.Errorf("%s: %+v, was %+v", credentials, after.Credentials, before.Credentials)
			}
		}
	},
	"password, keeping the rest": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		const public, admin = `{"plan":"gold","n":1.10}`, `{"n":12345678901234567890}`
		err := c.admin.Replace(c.ctx, i.ID, fmt.Sprintf(`{"schema_id":%q,"state":"inactive","traits":%s,"metadata_public":%s,"metadata_admin":%s}`,
			DefaultSchema, i.Traits, public, admin))
		if err != nil {
			t.Fatal(err)
		}
		c.mustWrite(t, i.ID, bridge.WriteMark{Mark: bridge.Mark{InvitationID: n.InvitationID, Origin: bridge.OriginReactivated}})
		before := c.get(t, i.ID)
		c.mustWrite(t, i.ID, bridge.WritePassword{Password: goodPassword})
		after := c.get(t, i.ID)
		if after.Active || len(after.Credentials) != 1 || after.Mark != before.Mark || !after.StateChangedAt.Equal(i.StateChangedAt) {
			t.Errorf("after it: %+v", after)
		}
		wantJSON(t, "traits", after.Traits, string(i.Traits))
		wantJSON(t, "metadata_public", after.MetadataPublic, public)
		wantJSON(t, "metadata_admin", after.MetadataAdmin, admin)
		c.wantSignIn(t, i.Email, goodPassword, ErrInactive)
	},
	"end of sessions, without sessions": func(t *testing.T, c *contract) {
		i, _ := c.invite(t)
		if has, err := c.ids.HasSessions(c.ctx, i.ID); has || err != nil {
			t.Errorf("sessions: %v, %v", has, err)
		}
		c.mustWrite(t, i.ID, bridge.EndSessions{})
	},
	"removal of a link to a provider": func(t *testing.T, c *contract) {
		email, subject := freshEmail(), uuid.NewString()
		id := c.createAsAdmin(t, `{"schema_id":%q,"state":"inactive","traits":{"email":%q},"credentials":{"oidc":{"config":{"providers":[
			{"provider":"idp","subject":%q},{"provider":"idp","subject":"another-%[3]s"}]}}}}`, DefaultSchema, email, subject)
		c.mustWrite(t, id, bridge.WritePassword{Password: goodPassword})
		for _, left := range []string{"another-" + subject, ""} {
			i := c.get(t, id)
			for _, credential := range i.Credentials {
				if credential.Type == "oidc" {
					identifier := "idp:" + subject
					if left == "" {
						identifier = credential.Identifiers[0]
					}
					c.mustWrite(t, id, bridge.RemoveCredential{Type: "oidc", Identifier: identifier})
				}
			}
		}
		after := c.get(t, id)
		if len(after.Credentials) != 1 || after.Credentials[0].Type != "password" || !after.StateChangedAt.Equal(c.get(t, id).StateChangedAt) {
			t.Errorf("after it: %+v", after)
		}
	},
	"removal of a missing credential": func(t *testing.T, c *contract) {
		i, _ := c.invite(t)
		c.mustWrite(t, i.ID, bridge.RemoveCredential{Type: "totp"})
		c.mustWrite(t, i.ID, bridge.RemoveCredential{Type: "lookup_secret"})
	},
	"state change time": func(t *testing.T, c *contract) {
		i, _ := c.invite(t)
		if before := i.CreatedAt.Sub(i.StateChangedAt); before < 0 || before.Seconds() > 60 {
			t.Errorf("created at %v, state changed at %v", i.CreatedAt, i.StateChangedAt)
		}
		if i.EmailIndex != 0 || i.EmailVerified || len(i.Addresses) > 0 || len(i.Identifiers) != 1 || i.Identifiers[0] != i.Email {
			t.Errorf("made %+v", i)
		}
		if err := c.admin.Activate(c.ctx, i.ID, otherPassword); err != nil {
			t.Fatal(err)
		}
		if err := c.admin.Deactivate(c.ctx, i.ID); err != nil {
			t.Fatal(err)
		}
		if after := c.get(t, i.ID); !after.StateChangedAt.After(after.CreatedAt) {
			t.Errorf("created at %v, state changed at %v", after.CreatedAt, after.StateChangedAt)
		}
	},
}
