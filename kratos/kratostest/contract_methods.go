package kratostest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/testenv"
)

// ContractOfEveryMethod is the suite that every [bridge.Identities] must pass
// on a Kratos with every sign-in method enabled and with [MemberSchema]. The
// bridge relies on it to decide whether an identity belongs to someone already.
// See [Contract].
func ContractOfEveryMethod(t *testing.T, newIdentities func(t *testing.T) (bridge.Identities, Holder)) {
	for name, test := range methodTests {
		t.Run(name, func(t *testing.T) {
			ids, holder := newIdentities(t)
			ctx, cancel := context.WithTimeout(t.Context(), testenv.Limit)
			defer cancel()
			test(t, &contract{ctx: ctx, ids: ids, admin: holder}, holder)
		})
	}
}

// member creates an inactive identity with all identifiers of its schema.
func (c *contract) member(t *testing.T) bridge.Identity {
	t.Helper()
	email := freshEmail()
	i, err := c.ids.Create(c.ctx, bridge.IdentityParams{
		InvitationID: uuid.New(), SchemaID: MemberSchema,
		Traits: fmt.Appendf(nil, `{"email":%q,"username":"name-%[1]s","second_email":"second-%[1]s"}`, email),
	})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// usedMember creates an inactive identity that was someone's account.
func (c *contract) usedMember(t *testing.T, holder Holder) bridge.Identity {
	t.Helper()
	i := c.member(t)
	for _, step := range []func() error{
		func() error { return holder.Activate(c.ctx, i.ID, otherPassword) },
		func() error { return holder.SetUp(c.ctx, i.Email, otherPassword) },
		func() error { return holder.Deactivate(c.ctx, i.ID) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	return c.get(t, i.ID)
}

func types(i bridge.Identity) (all []string) {
	for _, c := range i.Credentials {
		all = append(all, c.Type)
	}
	return all
}

// wantCredentials reads the identity by both methods.
func (c *contract) wantCredentials(t *testing.T, i bridge.Identity, want ...string) bridge.Identity {
	t.Helper()
	found, err := c.ids.FindByEmail(c.ctx, i.Email)
	if err != nil || !slices.Equal(types(found), want) {
		t.Errorf("FindByEmail shows %+v, %v; want %v", found.Credentials, err, want)
	}
	now := c.get(t, i.ID)
	if !slices.Equal(types(now), want) {
		t.Errorf("Get shows %+v, want %v", now.Credentials, want)
	}
	if !now.StateChangedAt.Equal(i.StateChangedAt) || now.Active != i.Active {
		t.Errorf("state_changed_at is %v and active is %v; they were %v and %v", now.StateChangedAt, now.Active, i.StateChangedAt, i.Active)
	}
	return now
}

func (c *contract) wantSessions(t *testing.T, id uuid.UUID, want bool) {
	t.Helper()
	if has, err := c.ids.HasSessions(c.ctx, id); err != nil || has != want {
		t.Errorf("sessions: %v, %v; want %v", has, err, want)
	}
}

var methodTests = map[string]func(*testing.T, *contract, Holder){
	"a new identity has no credentials": func(t *testing.T, c *contract, _ Holder) {
		made := c.member(t)
		c.wantSessions(t, made.ID, false)
		for _, i := range []bridge.Identity{made, c.wantCredentials(t, c.get(t, made.ID))} {
			if len(i.Credentials) > 0 || !slices.Equal(i.Identifiers, []string{"name-" + made.Email, made.Email}) ||
				!slices.Equal(i.Addresses, []string{"second-" + made.Email}) || i.EmailVerified {
				t.Errorf("%+v", i)
			}
		}
	},
	"a user name that looks like an address is not an address": func(t *testing.T, c *contract, _ Holder) {
		email := freshEmail()
		id := c.createAsAdmin(t, `{"schema_id":%q,"state":"inactive","traits":{"username":%q}}`, MemberSchema, email)
		_, err := c.ids.FindByEmail(c.ctx, email)
		wantError(t, err, bridge.ErrIdentityNotFound)
		if i := c.get(t, id); i.Email != "" || i.EmailIndex != -1 || !slices.Equal(i.Identifiers, []string{email}) {
			t.Errorf("%+v", i)
		}
		_, err = c.ids.Create(c.ctx, bridge.IdentityParams{InvitationID: uuid.New(), SchemaID: MemberSchema, Traits: fmt.Appendf(nil, `{"email":%q}`, email)})
		wantError(t, err, bridge.ErrIdentityExists)
	},
	"sessions are listed while inactive, and can be ended": func(t *testing.T, c *contract, holder Holder) {
		i := c.usedMember(t, holder)
		c.wantSessions(t, i.ID, true)
		c.mustWrite(t, i.ID, bridge.EndSessions{})
		c.wantSessions(t, i.ID, false)
		c.wantCredentials(t, i, types(i)...)
	},
	"all credentials are listed, and can be removed": func(t *testing.T, c *contract, holder Holder) {
		i := c.usedMember(t, holder)
		c.wantCredentials(t, i, "lookup_secret", "oidc", "password", "totp")
		if err := holder.AddKey(c.ctx, i.ID, "webauthn", false); err != nil {
			t.Fatal(err)
		}
		now := c.wantCredentials(t, i, "lookup_secret", "oidc", "password", "totp", "webauthn")
		c.mustWrite(t, i.ID, bridge.WritePassword{Password: goodPassword})
		left := types(now)
		for _, credential := range now.Credentials {
			if credential.Fixed || len(credential.Identifiers) > 0 != (credential.Type == "oidc") {
				t.Errorf("%+v", credential)
			}
			if credential.Type == "password" {
				continue
			}
			removal := bridge.RemoveCredential{Type: credential.Type}
			if len(credential.Identifiers) > 0 {
				removal.Identifier = credential.Identifiers[0]
			}
			left = slices.DeleteFunc(left, func(method string) bool { return method == credential.Type })
			for range 2 { // removal is idempotent
				c.mustWrite(t, i.ID, removal)
				c.wantCredentials(t, i, left...)
			}
		}
		c.wantSignIn(t, i.Email, goodPassword, ErrInactive)
		c.wantSignIn(t, i.Email, otherPassword, ErrWrongPassword)
		c.mustWrite(t, i.ID, activation(uuid.New(), "the password of another"))
		c.wantSignIn(t, i.Email, "the password of another", nil)
		c.wantSignIn(t, i.Email, goodPassword, ErrWrongPassword)
	},
	"a response to a write shows what a read shows": func(t *testing.T, c *contract, holder Holder) {
		for _, passwordless := range []bool{false, true} {
			i := c.usedMember(t, holder)
			if err := holder.AddKey(c.ctx, i.ID, "webauthn", passwordless); err != nil {
				t.Fatal(err)
			}
			c.mustWrite(t, i.ID, bridge.WriteMark{Mark: bridge.Mark{InvitationID: uuid.New(), Origin: bridge.OriginReactivated}})
			c.mustWrite(t, i.ID, bridge.WriteVerified{At: acceptedAt})
			c.wantCredentials(t, i, "lookup_secret", "oidc", "password", "totp", "webauthn")
		}
	},
	"a passwordless key is fixed": func(t *testing.T, c *contract, holder Holder) {
		i := c.get(t, c.member(t).ID)
		c.mustWrite(t, i.ID, bridge.WritePassword{Password: goodPassword})
		for _, method := range []string{"webauthn", "passkey"} {
			if err := holder.AddKey(c.ctx, i.ID, method, true); err != nil {
				t.Fatal(err)
			}
			err := c.write(t, i.ID, bridge.RemoveCredential{Type: method})
			if method == "passkey" { // for webauthn, Kratos claims to have removed it
				wantOutcome(t, err, bridge.OutcomeRejected)
			} else if err != nil {
				t.Error(err)
			}
			now := c.get(t, i.ID)
			at := slices.IndexFunc(now.Credentials, func(c bridge.Credential) bool { return c.Type == method })
			if at < 0 || !now.Credentials[at].Fixed {
				t.Errorf("%s: %+v", method, now.Credentials)
			}
		}
		c.wantCredentials(t, i, "passkey", "password", "webauthn")
	},
}
