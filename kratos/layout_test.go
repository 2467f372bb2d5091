package kratos_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"invitebridge/bridge/testenv"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// These are marks of traits, as in real schemas.
const (
	byPassword = `"credentials":{"password":{"identifier":true}}`
	byCode     = `"credentials":{"code":{"identifier":true,"via":"email"}}`
	verified   = `"verification":{"via":"email"}`
	recovers   = `"recovery":{"via":"email"}`
)

func trait(marks ...string) string {
	return `{"type":"string","format":"email","ory.sh/kratos":{` + strings.Join(marks, ",") + `}}`
}

func object(members string) string { return `{"type":"object","properties":{` + members + `}}` }

func schemaOf(traits string) string { return object(`"traits":` + traits) }

// The schemas have the forms used by companies.
func TestLayout(t *testing.T) {
	usual := trait(byPassword, verified, recovers)
	name := `{"type":"string","ory.sh/kratos":{` + byPassword + `}}`
	for title, c := range map[string]struct {
		schema  string
		want    kratos.Layout
		problem string // a part of it
	}{
		"flat":   {schemaOf(object(`"email":` + usual)), kratos.Layout{Email: "email", Password: []string{"email"}}, ""},
		"nested": {schemaOf(object(`"contact":` + object(`"email":`+usual))), kratos.Layout{Email: "contact.email", Password: []string{"contact.email"}}, ""},
		"a stray email": {
			schemaOf(object(`"email":{"type":"string","format":"email"},"contact":` + object(`"email":`+usual))),
			kratos.Layout{Email: "contact.email", Password: []string{"contact.email"}}, "",
		},
		"a user name": {
			schemaOf(object(`"username":` + name + `,"mail":` + trait(verified, recovers))),
			kratos.Layout{Email: "mail", Password: []string{"username"}}, "",
		},
		"a user name beside": {
			schemaOf(object(`"username":` + name + `,"email":` + usual + `,"second":` + trait(byCode, verified, recovers))),
			kratos.Layout{Email: "email", Password: []string{"email", "username"}, Code: []string{"second"}}, "",
		},
		"by code alone": {
			schemaOf(object(`"email":` + trait(byCode, verified) + `,"phone":{"ory.sh/kratos":{"credentials":{"code":{"identifier":true,"via":"sms"}},"verification":{"via":"sms"}}}`)),
			kratos.Layout{Email: "email", Code: []string{"email", "phone"}}, "",
		},
		"not verified": {schemaOf(object(`"mail":` + trait(byPassword))), kratos.Layout{Email: "mail", Password: []string{"mail"}}, ""},
		"two": {
			schemaOf(object(`"private":` + trait(byPassword, verified) + `,"work":` + trait(byPassword, verified))),
			kratos.Layout{Password: []string{"private", "work"}}, "(private, work)",
		},
		"two, one recovers": {
			schemaOf(object(`"private":` + trait(byPassword, verified) + `,"work":` + trait(byPassword, verified, recovers))),
			kratos.Layout{Email: "work", Password: []string{"private", "work"}}, "",
		},
		"two, and the other recovers": {
			schemaOf(object(`"email":` + trait(byPassword) + `,"backup":` + trait(verified, recovers))),
			kratos.Layout{Password: []string{"email"}}, "(backup, email)",
		},
		"a list": {
			schemaOf(object(`"emails":{"type":"array","items":` + usual + `}`)),
			kratos.Layout{Password: []string{"emails[]"}}, "are a list (emails[])",
		},
		"a list with marks of its own": {
			schemaOf(object(`"emails":{"type":"array","ory.sh/kratos":{` + byPassword + `,` + verified + `}}`)),
			kratos.Layout{Password: []string{"emails[]"}}, "are a list (emails[])",
		},
		"a list beside": {
			schemaOf(object(`"email":` + usual + `,"more":{"type":"array","items":` + trait(verified) + `}`)),
			kratos.Layout{Email: "email", Password: []string{"email"}}, "",
		},
		"nothing": {schemaOf(object(`"email":{"type":"string","format":"email"}`)), kratos.Layout{}, "none of its traits"},
		"a name alone": {
			schemaOf(object(`"username":` + name)), kratos.Layout{Password: []string{"username"}}, "none of its traits",
		},
		"behind a $ref": {
			`{"properties":{"traits":{"$ref":"#/definitions/person"}},"definitions":{"email":` + usual + `,"person":` + object(`"email":{"$ref":"#/definitions/email"}`) + `}}`,
			kratos.Layout{Email: "email", Password: []string{"email"}}, "",
		},
		"in parts": {
			schemaOf(`{"allOf":[` + object(`"contact":`+object(`"email":`+trait(verified))) + `,` + object(`"contact":`+object(`"email":`+trait(byPassword))) + `]}`),
			kratos.Layout{Email: "contact.email", Password: []string{"contact.email"}}, "",
		},
		"a cycle": {
			`{"properties":{"traits":{"$ref":"#/definitions/a"}},"definitions":{"a":` + object(`"b":{"$ref":"#/definitions/a"},"c":{"allOf":[{"$ref":"#/definitions/a"}]}`) + `}}`,
			kratos.Layout{}, "none of its traits",
		},
	} {
		c.want.Complete = true
		checkLayout(t, title, c.schema, c.want, c.problem)
	}
	checkLayout(t, "in another document", schemaOf(`{"$ref":"https://example.com/traits.json"}`), kratos.Layout{}, "in another document")
	checkLayout(t, "partly in another document", schemaOf(object(`"email":`+usual+`,"name":{"$ref":"name.json"}`)),
		kratos.Layout{Email: "email", Password: []string{"email"}}, "")
}

// A schema that refers to itself, or is huge, is read quickly, and traits at
// its upper levels are found.
func TestLayout_terminates(t *testing.T) {
	usual := trait(byPassword, verified, recovers)
	many := func(text string) string { return strings.Repeat(text+",", 250) + text }
	for title, c := range map[string]struct {
		schema   string
		complete bool
	}{
		"parts of itself":          {`{"properties":{"traits":{"$ref":"#/d/a"}},"d":{"a":{"allOf":[{"$ref":"#/d/a"},{"$ref":"#/d/a"}],"properties":{"a":{"$ref":"#/d/a"},"email":` + usual + `}}}}`, true},
		"a tree":                   {`{"properties":{"traits":` + object(`"branches":{"$ref":"#/d/a"},"email":`+usual) + `},"d":{"a":` + object(`"a":{"$ref":"#/d/a"},"b":{"$ref":"#/d/a"},"c":{"$ref":"#/d/a"}`) + `}}`, true},
		"many parts at each place": {`{"properties":{"traits":{"allOf":[` + object(`"email":`+usual) + `,` + many(`{"allOf":[{"$ref":"#/d/a"}]}`) + `]}},"d":{"a":{"properties":{"b":{"allOf":[` + many(`{"allOf":[{"$ref":"#/d/a"}]}`) + `]}}}}}`, false},
	} {
		schema, err := served(t, http.StatusOK, c.schema).Schema(t.Context(), "default")
		if err != nil {
			t.Fatal(err)
		}
		read := make(chan kratos.Layout, 1)
		go func() { read <- schema.Layout() }()
		select {
		case l := <-read:
			if l.Complete != c.complete || !slices.Contains(l.Password, "email") {
				t.Errorf("%s: %+v", title, l)
			}
			if _, ok, _ := schema.Trait("email"); !ok {
				t.Errorf("%s: the email trait was not found", title)
			}
		case <-time.After(testenv.Limit):
			t.Fatalf("%s: it does not terminate", title)
		}
	}
}

func checkLayout(t *testing.T, title, text string, want kratos.Layout, problem string) {
	t.Helper()
	schema, err := served(t, http.StatusOK, text).Schema(t.Context(), "default")
	if err != nil {
		t.Errorf("%s: %v", title, err)
		return
	}
	got := schema.Layout()
	if !strings.Contains(got.Problem, problem) || (problem == "") != (got.Problem == "") {
		t.Errorf("%s: %q", title, got.Problem)
	}
	got.Problem = ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", title, diff)
	}
}

// The schemas of a real Kratos are read.
func TestLayout_realKratos(t *testing.T) {
	p := newPublic(t, kratostest.Shared(t).PublicURL)
	ids, err := p.SchemaIDs(t.Context())
	if want := []string{kratostest.DefaultSchema, kratostest.CustomerSchema}; err != nil || !cmp.Equal(ids, want) {
		t.Errorf("%v, %v", ids, err)
	}
	schemas := kratos.NewSchemas(p, nil)
	for id, email := range map[string]string{kratostest.DefaultSchema: "email", kratostest.CustomerSchema: "contact.email"} {
		got, err := schemas.Layout(t.Context(), id)
		want := kratos.Layout{Email: email, Password: []string{email}, Complete: true}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", id, err, diff)
		}
	}
}
