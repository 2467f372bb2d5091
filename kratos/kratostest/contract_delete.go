package kratostest

import (
	"testing"

	"invitebridge/bridge"
)

var deleteTests = map[string]func(*testing.T, *contract){
	"of an identity": func(t *testing.T, c *contract) {
		i, _ := c.invite(t)
		for range 2 { // the second finds nothing, which is no error
			if err := c.ids.Write(c.ctx, i, bridge.DeleteIdentity{}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := c.ids.Get(c.ctx, i.ID)
		wantError(t, err, bridge.ErrIdentityNotFound)
	},
	"when the time has run out": func(t *testing.T, c *contract) {
		i, _ := c.invite(t)
		wantOutcome(t, c.ids.Write(ended(c.ctx), i, bridge.DeleteIdentity{}), bridge.OutcomeNotDone)
		c.get(t, i.ID)
	},
}
