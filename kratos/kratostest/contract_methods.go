package kratostest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// ContractOfEveryMethod is the suite that every [bridge.Identities] must pass
// where all that Kratos has for signing in is turned on, and [MemberSchema] is
// known. It is what says whose an identity is. See [Contract].
func ContractOfEveryMethod(t *testing.T, newIdentities func(t *testing.T) (bridge.Identities, Holder)) {
	for name, test := range methodTests {
		t.Run(name, func(t *testing.T) {
			ids, holder := newIdentities(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			test(t, &contract{ctx: ctx, ids: ids, admin: holder}, holder)
		})
	}
}

// member makes an inactive one, with what its schema has for signing in.
func (c *contract) member(t *testing.T) bridge.Identity {
	t.Helper()
	email := freshEmail()
	i, err := c.ids.Create(c.ctx, bridge.NewIdentity{
		InvitationID: uuid.New(), SchemaID: MemberSchema,
		Traits: fmt.Appendf(nil, `{"email":%q,"username":"name-%[1]s","second_email":"second-%[1]s"}`, email),
	})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// holding makes one inactive that was somebody's account.
func (c *contract) holding(t *testing.T, holder Holder) bridge.Identity {
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

// wantCredentials reads the identity both ways.
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
		t.Errorf("the state changed at %v, and is active: %v; was %v, %v", now.StateChangedAt, now.Active, i.StateChangedAt, i.Active)
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
	"an untouched identity opens nothing": func(t *testing.T, c *contract, _ Holder) {
		made := c.member(t)
		c.wantSessions(t, made.ID, false)
		for _, i := range []bridge.Identity{made, c.wantCredentials(t, c.get(t, made.ID))} {
			if len(i.Credentials) > 0 || !slices.Equal(i.Identifiers, []string{"name-" + made.Email, made.Email}) ||
				!slices.Equal(i.Addresses, []string{"second-" + made.Email}) || i.EmailVerified {
				t.Errorf("%+v", i)
			}
		}
	},
	"a user name that looks like an address is none": func(t *testing.T, c *contract, _ Holder) {
		email := freshEmail()
		id := c.make(t, `{"schema_id":%q,"state":"inactive","traits":{"username":%q}}`, MemberSchema, email)
		_, err := c.ids.FindByEmail(c.ctx, email)
		wantError(t, err, bridge.ErrIdentityNotFound)
		if i := c.get(t, id); i.Email != "" || i.EmailIndex != -1 || !slices.Equal(i.Identifiers, []string{email}) {
			t.Errorf("%+v", i)
		}
		_, err = c.ids.Create(c.ctx, bridge.NewIdentity{InvitationID: uuid.New(), SchemaID: MemberSchema, Traits: fmt.Appendf(nil, `{"email":%q}`, email)})
		wantError(t, err, bridge.ErrIdentityExists)
	},
	"sessions show while inactive, and end": func(t *testing.T, c *contract, holder Holder) {
		i := c.holding(t, holder)
		c.wantSessions(t, i.ID, true)
		c.mustWrite(t, i.ID, bridge.EndSessions{})
		c.wantSessions(t, i.ID, false)
		c.wantCredentials(t, i, types(i)...)
	},
	"all that was set up shows, and goes": func(t *testing.T, c *contract, holder Holder) {
		i := c.holding(t, holder)
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
			for range 2 { // each may be repeated
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
	"a key that signs in without a password is fixed": func(t *testing.T, c *contract, holder Holder) {
		i := c.get(t, c.member(t).ID)
		c.mustWrite(t, i.ID, bridge.WritePassword{Password: goodPassword})
		for _, method := range []string{"webauthn", "passkey"} {
			if err := holder.AddKey(c.ctx, i.ID, method, true); err != nil {
				t.Fatal(err)
			}
			err := c.write(i.ID, bridge.RemoveCredential{Type: method})
			if method == "passkey" { // of the other, Kratos says that it was removed
				wantOutcome(t, err, bridge.OutcomeRefused)
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
