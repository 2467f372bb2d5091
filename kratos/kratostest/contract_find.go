package kratostest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// create creates an inactive identity of a schema.
func (c *contract) create(schema, traits string, args ...any) (bridge.Identity, error) {
	return c.ids.Create(c.ctx, bridge.IdentityParams{InvitationID: uuid.New(), SchemaID: schema, Traits: fmt.Appendf(nil, traits, args...)})
}

func (c *contract) mustCreate(t *testing.T, schema, traits string, args ...any) bridge.Identity {
	t.Helper()
	i, err := c.create(schema, traits, args...)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// wantFound searches by traits for the identity of an address. A zero want:
// there is none, and the traits in taken belong to other identities.
func (c *contract) wantFound(t *testing.T, want bridge.Identity, email, schema, traits string, taken ...string) {
	t.Helper()
	i, others, err := c.ids.FindByTraits(c.ctx, email, schema, json.RawMessage(traits))
	if want.ID == uuid.Nil {
		wantError(t, err, bridge.ErrIdentityNotFound)
	} else if err != nil || i.Email != email || i.Mark != want.Mark {
		t.Errorf("found %+v, %v", i, err)
	}
	if i.ID != want.ID || !slices.Equal(others, taken) {
		t.Errorf("%s and %s find %s, and %q are taken; want %s and %q", email, traits, i.ID, others, want.ID, taken)
	}
}

func traitsOf(name, value string) string { return fmt.Sprintf(`{%q:%q}`, name, value) }

// searchTests cover which identity is found, and which traits are taken by
// others.
var searchTests = map[string]func(*testing.T, *contract){
	"an address that is no identifier is taken, and found by the identifier": func(t *testing.T, c *contract) {
		email, name := freshEmail(), uuid.NewString()
		i := c.mustCreate(t, "named", `{"username":%q,"email":%q}`, "Dee-"+name, email)
		if !slices.Equal(i.Identifiers, []string{"dee-" + name}) || i.Email != email || i.EmailIndex != 0 || len(i.Addresses) > 0 {
			t.Errorf("%+v", i)
		}
		_, err := c.ids.FindByEmail(c.ctx, email)
		wantError(t, err, bridge.ErrIdentityNotFound)
		for _, traits := range []string{`{"username":"else-%s","email":%q}`, `{"email":%[2]q}`} {
			_, err := c.create("named", traits, name, email)
			wantError(t, err, bridge.ErrIdentityExists)
		}
		for _, spelled := range []string{"Dee-" + name, "dee-" + name, " DEE-" + name + " "} {
			c.wantFound(t, i, email, "named", traitsOf("username", spelled))
		}
		c.wantFound(t, bridge.Identity{}, email, "named", traitsOf("username", "else-"+name))
		for _, value := range []string{"", " ", "%", strings.Repeat("x", 300), strings.Repeat("x", 100_000)} {
			c.wantFound(t, bridge.Identity{}, email, "named", traitsOf("username", value))
		}
		c.wantFound(t, bridge.Identity{}, email, "named", `{}`)
		_, _, err = c.ids.FindByTraits(c.ctx, "", "named", json.RawMessage(traitsOf("username", "dee-"+name)))
		wantOutcome(t, err, bridge.OutcomeInvalid)
		c.wantFound(t, bridge.Identity{}, email, "no-such-schema", traitsOf("username", "dee-"+name))
	},
	"an identifier of an identity with another address is taken, and does not match": func(t *testing.T, c *contract) {
		email, name := freshEmail(), uuid.NewString()
		c.mustCreate(t, "named", `{"username":%q,"email":%q}`, name, freshEmail())
		nameless := c.mustCreate(t, "named", `{"username":%q}`, "nameless-"+name)
		if nameless.Email != "" {
			t.Errorf("%+v", nameless)
		}
		for _, taken := range []string{name, "nameless-" + name} {
			_, err := c.create("named", `{"username":%q,"email":%q}`, taken, email)
			wantError(t, err, bridge.ErrIdentityExists)
			c.wantFound(t, bridge.Identity{}, email, "named", traitsOf("username", taken), "username")
		}
	},
	"two identities conflict": func(t *testing.T, c *contract) {
		email, name := freshEmail(), uuid.NewString()
		c.mustCreate(t, "named", `{"username":%q,"email":%q}`, name, freshEmail())
		second := c.mustCreate(t, "named", `{"username":%q,"email":%q}`, "second-"+name, email)
		_, err := c.create("named", `{"username":%q,"email":%q}`, name, email)
		wantError(t, err, bridge.ErrIdentityExists)
		c.wantFound(t, bridge.Identity{}, email, "named", traitsOf("username", name), "username")
		c.wantFound(t, second, email, "named", traitsOf("username", "second-"+name))
	},
	"beside an address that is an identifier": func(t *testing.T, c *contract) {
		email, name := freshEmail(), uuid.NewString()
		i := c.mustCreate(t, "staff", `{"username":%q,"email":%q,"department":"7"}`, name, email)
		_, err := c.create("staff", `{"email":%q}`, email) // the schema is checked before uniqueness
		wantOutcome(t, err, bridge.OutcomeInvalid, "department")
		found, err := c.ids.FindByEmail(c.ctx, email)
		if err != nil || found.ID != i.ID {
			t.Errorf("found %s, %v", found.ID, err)
		}
		c.wantFound(t, i, email, "staff", traitsOf("username", name))
		c.wantFound(t, bridge.Identity{}, freshEmail(), "staff", fmt.Sprintf(`{"email":%q}`, email), "email")
	},
	"a phone number in any spelling": func(t *testing.T, c *contract) {
		email := freshEmail()
		number := fmt.Sprintf("+49 1512 %07d", uuid.New().ID()%10_000_000)
		i := c.mustCreate(t, "phone", `{"phone":%q,"email":%q}`, number, email)
		_, err := c.create("phone", `{"phone":%q,"email":%q}`, number, freshEmail())
		wantError(t, err, bridge.ErrIdentityExists)
		c.wantFound(t, i, email, "phone", traitsOf("phone", number))
		compact := freshEmail()
		other := strings.ReplaceAll(fmt.Sprintf("+49 1512 %07d", uuid.New().ID()%10_000_000), " ", "")
		i = c.mustCreate(t, "phone", `{"phone":%q,"email":%q}`, other, compact)
		c.wantFound(t, i, compact, "phone", traitsOf("phone", other[:3]+" (1512) "+other[7:]))
	},
	"dots anywhere before the @, if the schema allows them": func(t *testing.T, c *contract) {
		for _, local := range []string{"a..b", "a.", ".a"} {
			email := strings.Replace(freshEmail(), "u-", local, 1)
			if strings.HasSuffix(local, ".") {
				email = "u-" + uuid.NewString() + ".@example.com"
			}
			i := c.mustCreate(t, "carrier", `{"email":%q}`, email)
			found, err := c.ids.FindByEmail(c.ctx, email)
			if err != nil || found.ID != i.ID || found.Email != email {
				t.Errorf("%s: found %+v, %v", email, found, err)
			}
			_, err = c.ids.Create(c.ctx, newIdentity(email))
			wantOutcome(t, err, bridge.OutcomeInvalid, "traits.email")
		}
	},
}
