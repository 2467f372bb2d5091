package kratostest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

const (
	goodPassword  = "correct horse"
	otherPassword = "battery staple"
)

var activateTests = map[string]func(*testing.T, *contract){
	"sets password, state and mark": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		c.wantSignIn(t, i.Email, goodPassword, ErrWrongPassword)
		a := activation(n.InvitationID, goodPassword)
		c.mustWrite(t, i.ID, a)
		c.wantSignIn(t, i.Email, goodPassword, nil)
		c.wantSignIn(t, i.Email, otherPassword, ErrWrongPassword)
		after := c.get(t, i.ID)
		if !after.Active || len(after.Credentials) != 1 || after.Credentials[0].Type != "password" || after.Mark != a.Mark || after.Email != i.Email || after.SchemaID != i.SchemaID {
			t.Errorf("after it: %+v", after)
		}
		wantJSON(t, "metadata_admin", c.raw(t, i.ID)["metadata_admin"],
			fmt.Sprintf(`{"invitation":{"id":%q,"accepted_at":"2031-02-03T04:05:06.789012Z"}}`, n.InvitationID))
	},
	"keeps changes made by others": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		const public, admin = `{"plan":"gold","n":1.10}`, `{"note":["x"],"n":12345678901234567890}`
		traits := fmt.Sprintf(`{"email":%q,"name":{"first":"Ada"}}`, i.Email)
		err := c.admin.Replace(c.ctx, i.ID, fmt.Sprintf(`{"schema_id":%q,"state":"inactive","traits":%s,"metadata_public":%s,"metadata_admin":%s}`,
			DefaultSchema, traits, public, admin))
		if err != nil {
			t.Fatal(err)
		}
		c.mustWrite(t, i.ID, activation(n.InvitationID, goodPassword))
		after := c.get(t, i.ID)
		wantJSON(t, "traits", after.Traits, traits)
		wantJSON(t, "metadata_public", after.MetadataPublic, public)
		wantJSON(t, "metadata_admin", after.MetadataAdmin, admin)
		if after.Mark.InvitationID != n.InvitationID {
			t.Errorf("mark is %+v", after.Mark)
		}
	},
	"20 concurrently": activateAtOnce,
	"missing identity": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		if err := c.admin.Delete(c.ctx, i.ID); err != nil {
			t.Fatal(err)
		}
		wantError(t, errorOf(c.ids.Write(c.ctx, i, activation(n.InvitationID, goodPassword))), bridge.ErrIdentityNotFound)
	},
	"longest password": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		longest := strings.Repeat("é", bridge.MaxPasswordLength/2)
		c.mustWrite(t, i.ID, activation(n.InvitationID, longest))
		c.wantSignIn(t, i.Email, longest, nil)
	},
	"invalid password": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		for _, password := range []string{"", strings.Repeat("x", bridge.MaxPasswordLength+1), "not UTF-8 \xff"} {
			wantOutcome(t, c.write(t, i.ID, activation(n.InvitationID, password)), bridge.OutcomeInvalid, "password")
			wantOutcome(t, c.write(t, i.ID, bridge.WritePassword{Password: password}), bridge.OutcomeInvalid, "password")
		}
		if after := c.get(t, i.ID); after.Active || len(after.Credentials) > 0 {
			t.Errorf("after it: %+v", after)
		}
	},
	"metadata that cannot hold the mark": func(t *testing.T, c *contract) {
		for _, metadata := range []string{`"text"`, `[1,2]`, `{"invitation":{"by":"someone else"}}`} {
			email := freshEmail()
			id := c.createAsAdmin(t, `{"schema_id":%q,"state":"inactive","traits":{"email":%q},"metadata_admin":%s}`, DefaultSchema, email, metadata)
			wantOutcome(t, c.write(t, id, activation(uuid.New(), goodPassword)), bridge.OutcomeRejected, "metadata_admin")
			if i := c.get(t, id); i.Active || !i.MetadataConflict {
				t.Errorf("%s: after it: %+v", metadata, i)
			}
			wantJSON(t, "metadata_admin", c.raw(t, id)["metadata_admin"], metadata)
		}
	},
	"context ended": func(t *testing.T, c *contract) {
		i, n := c.invite(t)
		wantOutcome(t, errorOf(c.ids.Write(canceled(c.ctx), i, activation(n.InvitationID, goodPassword))), bridge.OutcomeNotApplied)
		if c.get(t, i.ID).Active {
			t.Error("it is active")
		}
	},
}

// activateAtOnce sends 20 writes concurrently. Each writer without an error may
// have been the last one; a lost race changed nothing.
func activateAtOnce(t *testing.T, c *contract) {
	i, n := c.invite(t)
	errs := make([]error, 20)
	password := func(k int) string { return fmt.Sprintf("%s %d", goodPassword, k) }
	var wait sync.WaitGroup
	for k := range errs {
		wait.Go(func() { errs[k] = errorOf(c.ids.Write(c.ctx, i, activation(n.InvitationID, password(k)))) })
	}
	wait.Wait()
	wrote, opens := 0, 0
	for k, err := range errs {
		signsIn := c.admin.SignIn(c.ctx, i.Email, password(k)) == nil
		if signsIn {
			opens++
		}
		if err == nil {
			wrote++
			continue
		}
		wantError(t, err, bridge.ErrIdentityRace)
		if signsIn {
			t.Errorf("%v, but its password signs in", err)
		}
	}
	if wrote == 0 || opens != 1 {
		t.Errorf("%d writes succeeded, %d passwords sign in; want at least one and exactly one", wrote, opens)
	}
	if after := c.get(t, i.ID); !after.Active || after.Mark.InvitationID != n.InvitationID {
		t.Errorf("after it: %+v", after)
	}
}
