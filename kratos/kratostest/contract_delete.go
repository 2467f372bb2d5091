package kratostest

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

var deleteTests = map[string]func(*testing.T, *contract){
	"of what the bridge made": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		for range 2 { // the second finds nothing, which is no error
			if err := c.ids.Delete(c.ctx, i.ID, n.InvitationID); err != nil {
				t.Fatal(err)
			}
		}
		_, err := c.ids.Get(c.ctx, i.ID)
		wantError(t, err, bridge.ErrIdentityNotFound)
	},
	"for another invitation": func(t *testing.T, c *contract) {
		i, _ := c.invite(t)
		for _, invitation := range []uuid.UUID{uuid.New(), uuid.Nil} {
			if err := c.ids.Delete(c.ctx, i.ID, invitation); err != nil {
				t.Error(err)
			}
		}
		c.get(t, i.ID)
	},
	"spares everything else": func(t *testing.T, c *contract) {
		active, n := c.invite(t)
		if err := c.ids.Activate(c.ctx, active.ID, activation(n.InvitationID, goodPassword)); err != nil {
			t.Fatal(err)
		}
		mark := fmt.Sprintf(`{"invitation":{"id":%q}}`, n.InvitationID)
		accepted := fmt.Sprintf(`{"invitation":{"id":%q,"accepted_at":"2031-02-03T04:05:06Z"}}`, n.InvitationID)
		foreign := fmt.Sprintf(`{"invitation":{"id":%q,"accepted_at":"noon"}}`, n.InvitationID)
		const body = `{"schema_id":%q,"state":%q,"traits":{"email":%q},"metadata_admin":%s,"credentials":%s}`
		const password = `{"password":{"config":{"password":"correct horse"}}}`
		for what, id := range map[string]uuid.UUID{
			"one that was accepted":              active.ID,
			"one that others made":               c.make(t, body, DefaultSchema, "inactive", freshEmail(), `{}`, `{}`),
			"one whose mark is no mark":          c.make(t, body, DefaultSchema, "inactive", freshEmail(), foreign, `{}`),
			"one that others activated":          c.make(t, body, DefaultSchema, "active", freshEmail(), mark, `{}`),
			"one with a password":                c.make(t, body, DefaultSchema, "inactive", freshEmail(), mark, password),
			"one that was active and is no more": c.make(t, body, DefaultSchema, "inactive", freshEmail(), accepted, `{}`),
		} {
			for _, invitation := range []uuid.UUID{n.InvitationID, uuid.Nil} {
				if err := c.ids.Delete(c.ctx, id, invitation); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			if _, err := c.ids.Get(c.ctx, id); err != nil {
				t.Errorf("%s: gone: %v", what, err)
			}
		}
	},
	"when the time has run out": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		wantOutcome(t, c.ids.Delete(ended(c.ctx), i.ID, n.InvitationID), bridge.OutcomeNotDone)
		c.get(t, i.ID)
	},
}
