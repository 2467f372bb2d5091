package kratostest

import (
	"testing"

	"invitebridge/bridge"
)

var deleteTests = map[string]func(*testing.T, *contract){
	"an identity": func(t *testing.T, c *contract) {
		i, _ := c.invite(t)
		for range 2 { // the second finds nothing, which is not an error
			if err := errorOf(c.ids.Write(c.ctx, i, bridge.DeleteIdentity{})); err != nil {
				t.Fatal(err)
			}
		}
		_, err := c.ids.Get(c.ctx, i.ID)
		wantError(t, err, bridge.ErrIdentityNotFound)
	},
	"context ended": func(t *testing.T, c *contract) {
		i, _ := c.invite(t)
		wantOutcome(t, errorOf(c.ids.Write(canceled(c.ctx), i, bridge.DeleteIdentity{})), bridge.OutcomeNotApplied)
		c.get(t, i.ID)
	},
}
