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

// ContractOfSchemas is the suite that every [bridge.Identities] must pass on a
// Kratos with [CompanySchemas]. See [Contract].
func ContractOfSchemas(t *testing.T, newIdentities func(t *testing.T) (bridge.Identities, Admin)) {
	for _, tests := range []map[string]func(*testing.T, *contract){schemaTests, searchTests} {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				ids, admin := newIdentities(t)
				ctx, cancel := context.WithTimeout(t.Context(), testenv.Limit)
				defer cancel()
				test(t, &contract{ctx: ctx, ids: ids, admin: admin})
			})
		}
	}
}

// createWithSchema creates an identity of a schema and returns it with its
// parameters.
func (c *contract) createWithSchema(t *testing.T, schema, traits string) (bridge.Identity, bridge.IdentityParams) {
	t.Helper()
	n := bridge.IdentityParams{InvitationID: uuid.New(), SchemaID: schema, Traits: []byte(traits)}
	i, err := c.ids.Create(c.ctx, n)
	if err != nil {
		t.Fatalf("%s of %s: %v", traits, schema, err)
	}
	return i, n
}

var schemaTests = map[string]func(*testing.T, *contract){
	"determine the email trait": func(t *testing.T, c *contract) {
		for schema, want := range map[string]struct{ email, password string }{
			DefaultSchema: {"email", "email"}, CustomerSchema: {"contact.email", "contact.email"},
			"flat": {"email", "email"}, "nested": {"contact.email", "contact.email"}, "stray": {"contact.email", "contact.email"},
			"referring": {"person.email", "person.email"}, "named": {"email", "username"}, "passwordless": {"email", ""},
		} {
			email, err := c.ids.EmailTrait(c.ctx, schema)
			passwords, err2 := c.ids.PasswordTraits(c.ctx, schema)
			if err != nil || err2 != nil || email != want.email || slices.Concat(passwords, []string{""})[0] != want.password {
				t.Errorf("%s: %q and %q, %v, %v", schema, email, passwords, err, err2)
			}
		}
	},
	"unusable, with the reason": func(t *testing.T, c *contract) {
		for schema, words := range map[string][]string{
			"two": {"private", "work", "kratos.email_trait"}, "list": {"emails[]", "list"}, "none": {"none", DefaultSchema, "flat"},
		} {
			_, err := c.ids.EmailTrait(c.ctx, schema)
			wantOutcome(t, err, bridge.OutcomeInvalid, words...)
		}
		_, err := c.ids.Create(c.ctx, bridge.IdentityParams{InvitationID: uuid.New(), SchemaID: "none", Traits: []byte(`{}`)})
		wantOutcome(t, err, bridge.OutcomeInvalid, "none", DefaultSchema, "flat")
	},
	"allow signing in": func(t *testing.T, c *contract) {
		for schema, traits := range map[string]string{
			"flat": `{"email":%q,"name":"Ada"}`, "nested": `{"contact":{"email":%q},"department":"sales"}`,
			"stray": `{"contact":{"email":%q},"email":"stray@example.com"}`, "referring": `{"person":{"email":%q}}`,
		} {
			email := freshEmail()
			i, n := c.createWithSchema(t, schema, fmt.Sprintf(traits, email))
			if i.Email != email || i.EmailIndex != 0 || !slices.Equal(i.Identifiers, []string{email}) {
				t.Errorf("%s: %+v", schema, i)
			}
			c.mustWrite(t, i.ID, activation(n.InvitationID, goodPassword))
			c.wantSignIn(t, email, goodPassword, nil)
		}
	},
	"ignore an unmarked trait": func(t *testing.T, c *contract) {
		for _, schema := range []string{"nested", "stray"} {
			made, _ := c.createWithSchema(t, schema, fmt.Sprintf(`{"email":%q}`, freshEmail()))
			for _, i := range []bridge.Identity{made, c.get(t, made.ID)} {
				if i.Email != "" || i.EmailTrait != "contact.email" || len(i.Identifiers)+len(i.Addresses) > 0 {
					t.Errorf("%s: %+v", schema, i)
				}
			}
		}
	},
	"without a password identifier, a password cannot be used": func(t *testing.T, c *contract) {
		email := freshEmail()
		i, n := c.createWithSchema(t, "passwordless", fmt.Sprintf(`{"email":%q}`, email))
		for _, i := range []bridge.Identity{i, c.get(t, i.ID)} {
			if i.Email != email || len(i.Identifiers) > 0 {
				t.Errorf("%+v", i)
			}
		}
		c.mustWrite(t, i.ID, activation(n.InvitationID, goodPassword))
		c.wantSignIn(t, email, goodPassword, ErrWrongPassword)
	},
	"with a user name, list it": func(t *testing.T, c *contract) {
		email := freshEmail()
		name := "dee-" + uuid.NewString()
		i, n := c.createWithSchema(t, "named", fmt.Sprintf(`{"email":%q,"username":%q}`, email, name))
		for _, i := range []bridge.Identity{i, c.get(t, i.ID)} {
			if i.Email != email || i.EmailIndex != 0 || !slices.Equal(i.Identifiers, []string{name}) {
				t.Errorf("%+v", i)
			}
		}
		c.mustWrite(t, i.ID, activation(n.InvitationID, goodPassword))
		c.wantSignIn(t, name, goodPassword, nil)
	},
	"keep a removed identifier until a password is set": func(t *testing.T, c *contract) {
		email, name := freshEmail(), "dee-"+uuid.NewString()
		i, n := c.createWithSchema(t, "named", fmt.Sprintf(`{"email":%q,"username":%q}`, email, name))
		body := fmt.Sprintf(`{"schema_id":"named","state":"inactive","traits":{"email":%q}}`, email)
		if err := c.admin.Replace(c.ctx, i.ID, body); err != nil {
			t.Fatal(err)
		}
		if i = c.get(t, i.ID); !slices.Equal(i.Identifiers, []string{name}) {
			t.Errorf("%+v", i)
		}
		c.mustWrite(t, i.ID, activation(n.InvitationID, goodPassword))
		c.wantSignIn(t, name, goodPassword, ErrWrongPassword)
	},
	"with a list of addresses, have no email": func(t *testing.T, c *contract) {
		one, two := freshEmail(), freshEmail()
		i, _ := c.createWithSchema(t, "list", fmt.Sprintf(`{"emails":[%q,%q]}`, one, two))
		want := []string{one, two}
		slices.Sort(want)
		if i.Email != "" || i.EmailIndex != -1 || !slices.Equal(i.Identifiers, want) || !slices.Equal(i.Addresses, want) {
			t.Errorf("%+v", i)
		}
	},
}
