package kratostest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// judgeTests are of whom Activate may touch.
var judgeTests = map[string]func(*testing.T, *contract){
	"of an adopted identity": func(t *testing.T, c *contract) {
		i, _ := c.invite(t)
		later := uuid.New()
		if err := c.ids.Activate(c.ctx, i.ID, activation(later, goodPassword)); err != nil {
			t.Fatal(err)
		}
		if mark := c.get(t, i.ID).Mark; mark.InvitationID != later {
			t.Errorf("mark is %+v, want %v", mark, later)
		}
	},
	"of one activated by another road": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		if err := c.admin.Activate(c.ctx, i.ID, otherPassword); err != nil {
			t.Fatal(err)
		}
		before := c.raw(t, i.ID)
		wantError(t, c.ids.Activate(c.ctx, i.ID, activation(n.InvitationID, goodPassword)), bridge.ErrIdentityIsActive)
		c.wantSignIn(t, i.Email, otherPassword, nil)
		c.wantSignIn(t, i.Email, goodPassword, ErrWrongPassword)
		wantJSON(t, "metadata_admin", c.raw(t, i.ID)["metadata_admin"], string(before["metadata_admin"]))
	},
	"of one activated by another invitation": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		if err := c.ids.Activate(c.ctx, i.ID, activation(n.InvitationID, otherPassword)); err != nil {
			t.Fatal(err)
		}
		wantError(t, c.ids.Activate(c.ctx, i.ID, activation(uuid.New(), goodPassword)), bridge.ErrIdentityIsActive)
		c.wantSignIn(t, i.Email, otherPassword, nil)
	},
	"of one that this invitation has activated": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		if err := c.ids.Activate(c.ctx, i.ID, activation(n.InvitationID, goodPassword)); err != nil {
			t.Fatal(err)
		}
		again := activation(n.InvitationID, otherPassword)
		again.AcceptedAt = again.AcceptedAt.AddDate(0, 0, 1)
		before := c.raw(t, i.ID)
		wantError(t, c.ids.Activate(c.ctx, i.ID, again), bridge.ErrIdentityAccepted)
		c.wantSignIn(t, i.Email, goodPassword, nil)
		wantJSON(t, "metadata_admin", c.raw(t, i.ID)["metadata_admin"], string(before["metadata_admin"]))
		again.Repeat = true
		if err := c.ids.Activate(c.ctx, i.ID, again); err != nil {
			t.Fatal(err)
		}
		c.wantSignIn(t, i.Email, otherPassword, nil)
		c.wantSignIn(t, i.Email, goodPassword, ErrWrongPassword)
		if mark := c.get(t, i.ID).Mark; !mark.AcceptedAt.Equal(again.AcceptedAt) {
			t.Errorf("mark is %+v", mark)
		}
	},
	"of one that this invitation has activated, and that was deactivated since": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		a := activation(n.InvitationID, goodPassword)
		if err := c.ids.Activate(c.ctx, i.ID, a); err != nil {
			t.Fatal(err)
		}
		if err := c.admin.Deactivate(c.ctx, i.ID); err != nil {
			t.Fatal(err)
		}
		for _, a.Repeat = range []bool{false, true} {
			wantError(t, c.ids.Activate(c.ctx, i.ID, a), bridge.ErrIdentityAccepted)
		}
		if after := c.get(t, i.ID); after.Active {
			t.Errorf("after it: %+v", after)
		}
	},
	"repeatedly, of what it must not touch": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		if err := c.admin.Activate(c.ctx, i.ID, otherPassword); err != nil {
			t.Fatal(err)
		}
		for _, invitation := range []uuid.UUID{n.InvitationID, uuid.New()} {
			a := activation(invitation, goodPassword)
			a.Repeat = true
			wantError(t, c.ids.Activate(c.ctx, i.ID, a), bridge.ErrIdentityIsActive)
		}
		c.wantSignIn(t, i.Email, otherPassword, nil)
	},
	"repeatedly, of one that is inactive still": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		a := activation(n.InvitationID, goodPassword)
		a.Repeat = true
		if err := c.ids.Activate(c.ctx, i.ID, a); err != nil {
			t.Fatal(err)
		}
		c.wantSignIn(t, i.Email, goodPassword, nil)
	},
	"of one that has another address by now": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		moved := freshEmail()
		err := c.admin.Replace(c.ctx, i.ID, fmt.Sprintf(`{"schema_id":%q,"state":"inactive","traits":{"email":%q}}`, DefaultSchema, moved))
		if err != nil {
			t.Fatal(err)
		}
		a := activation(n.InvitationID, goodPassword)
		a.Email = i.Email
		for _, a.Repeat = range []bool{false, true} {
			err = c.ids.Activate(c.ctx, i.ID, a)
			wantError(t, err, bridge.ErrIdentityNotFound)
			if strings.Contains(err.Error(), "@") {
				t.Errorf("%v names an address", err)
			}
		}
		if after := c.get(t, i.ID); after.Active || after.HasCredentials || after.Mark != (bridge.Mark{}) {
			t.Errorf("after it: %+v", after)
		}
		a.Email = moved
		if err := c.ids.Activate(c.ctx, i.ID, a); err != nil {
			t.Error(err)
		}
	},
	"of one with another spelling of its address": func(t *testing.T, c *contract) {
		email := freshEmail()
		n := newIdentity(strings.ToUpper(email))
		i, err := c.ids.Create(c.ctx, n)
		if err != nil {
			t.Fatal(err)
		}
		a := activation(n.InvitationID, goodPassword)
		a.Email = email
		if err := c.ids.Activate(c.ctx, i.ID, a); err != nil {
			t.Error(err)
		}
	},
}
