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

// of creates an inactive identity of a schema.
func (c *contract) of(schema, traits string, args ...any) (bridge.Identity, error) {
	return c.ids.Create(c.ctx, bridge.NewIdentity{InvitationID: uuid.New(), SchemaID: schema, Traits: fmt.Appendf(nil, traits, args...)})
}

func (c *contract) mustBe(t *testing.T, schema, traits string, args ...any) bridge.Identity {
	t.Helper()
	i, err := c.of(schema, traits, args...)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// wantFound looks for the identity of an address, by traits. A zero one: there is
// none, and taken are in the way.
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

// searchTests say who is found, and who is in the way.
var searchTests = map[string]func(*testing.T, *contract){
	"an address that nobody signs in with is taken, and found by what one signs in with": func(t *testing.T, c *contract) {
		email, name := freshEmail(), uuid.NewString()
		i := c.mustBe(t, "named", `{"username":%q,"email":%q}`, "Dee-"+name, email)
		if !slices.Equal(i.Identifiers, []string{"dee-" + name}) || i.Email != email || i.EmailIndex != 0 || len(i.Addresses) > 0 {
			t.Errorf("%+v", i)
		}
		_, err := c.ids.FindByEmail(c.ctx, email)
		wantError(t, err, bridge.ErrIdentityNotFound)
		for _, traits := range []string{`{"username":"else-%s","email":%q}`, `{"email":%[2]q}`} {
			_, err := c.of("named", traits, name, email)
			wantError(t, err, bridge.ErrIdentityExists)
		}
		for _, spelled := range []string{"Dee-" + name, "dee-" + name, " DEE-" + name + " "} {
			c.wantFound(t, i, email, "named", traitsOf("username", spelled))
		}
		c.wantFound(t, bridge.Identity{}, email, "named", traitsOf("username", "else-"+name))
		for _, nobody := range []string{"", " ", "%", strings.Repeat("x", 300), strings.Repeat("x", 100_000)} {
			c.wantFound(t, bridge.Identity{}, email, "named", traitsOf("username", nobody))
		}
		c.wantFound(t, bridge.Identity{}, email, "named", `{}`)
		_, _, err = c.ids.FindByTraits(c.ctx, "", "named", json.RawMessage(traitsOf("username", "dee-"+name)))
		wantOutcome(t, err, bridge.OutcomeInvalid)
		c.wantFound(t, bridge.Identity{}, email, "no-such-schema", traitsOf("username", "dee-"+name))
	},
	"what somebody with another address signs in with is taken, and is not the one": func(t *testing.T, c *contract) {
		email, name := freshEmail(), uuid.NewString()
		c.mustBe(t, "named", `{"username":%q,"email":%q}`, name, freshEmail())
		nameless := c.mustBe(t, "named", `{"username":%q}`, "nameless-"+name)
		if nameless.Email != "" {
			t.Errorf("%+v", nameless)
		}
		for _, taken := range []string{name, "nameless-" + name} {
			_, err := c.of("named", `{"username":%q,"email":%q}`, taken, email)
			wantError(t, err, bridge.ErrIdentityExists)
			c.wantFound(t, bridge.Identity{}, email, "named", traitsOf("username", taken), "username")
		}
	},
	"two are in the way": func(t *testing.T, c *contract) {
		email, name := freshEmail(), uuid.NewString()
		c.mustBe(t, "named", `{"username":%q,"email":%q}`, name, freshEmail())
		second := c.mustBe(t, "named", `{"username":%q,"email":%q}`, "second-"+name, email)
		_, err := c.of("named", `{"username":%q,"email":%q}`, name, email)
		wantError(t, err, bridge.ErrIdentityExists)
		c.wantFound(t, bridge.Identity{}, email, "named", traitsOf("username", name), "username")
		c.wantFound(t, second, email, "named", traitsOf("username", "second-"+name))
	},
	"beside an address that one signs in with": func(t *testing.T, c *contract) {
		email, name := freshEmail(), uuid.NewString()
		i := c.mustBe(t, "staff", `{"username":%q,"email":%q,"department":"7"}`, name, email)
		_, err := c.of("staff", `{"email":%q}`, email) // whether it is taken is not asked
		wantOutcome(t, err, bridge.OutcomeInvalid, "department")
		found, err := c.ids.FindByEmail(c.ctx, email)
		if err != nil || found.ID != i.ID {
			t.Errorf("found %s, %v", found.ID, err)
		}
		c.wantFound(t, i, email, "staff", traitsOf("username", name))
		c.wantFound(t, bridge.Identity{}, freshEmail(), "staff", fmt.Sprintf(`{"email":%q}`, email), "email")
	},
	"a phone number, however it is spelled": func(t *testing.T, c *contract) {
		email := freshEmail()
		number := fmt.Sprintf("+49 1512 %07d", uuid.New().ID()%10_000_000)
		i := c.mustBe(t, "phone", `{"phone":%q,"email":%q}`, number, email)
		_, err := c.of("phone", `{"phone":%q,"email":%q}`, number, freshEmail())
		wantError(t, err, bridge.ErrIdentityExists)
		c.wantFound(t, i, email, "phone", traitsOf("phone", number))
		compact := freshEmail()
		other := strings.ReplaceAll(fmt.Sprintf("+49 1512 %07d", uuid.New().ID()%10_000_000), " ", "")
		i = c.mustBe(t, "phone", `{"phone":%q,"email":%q}`, other, compact)
		c.wantFound(t, i, compact, "phone", traitsOf("phone", other[:3]+" (1512) "+other[7:]))
	},
	"dots anywhere before the @, where the schema takes them": func(t *testing.T, c *contract) {
		for _, local := range []string{"a..b", "a.", ".a"} {
			email := strings.Replace(freshEmail(), "u-", local, 1)
			if strings.HasSuffix(local, ".") {
				email = "u-" + uuid.NewString() + ".@example.com"
			}
			i := c.mustBe(t, "carrier", `{"email":%q}`, email)
			found, err := c.ids.FindByEmail(c.ctx, email)
			if err != nil || found.ID != i.ID || found.Email != email {
				t.Errorf("%s: found %+v, %v", email, found, err)
			}
			_, err = c.ids.Create(c.ctx, newIdentity(email))
			wantOutcome(t, err, bridge.OutcomeInvalid, "traits.email")
		}
	},
}
