package kratos_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"invitebridge/bridge"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// TestSchema reads those of a real Kratos.
func TestSchema(t *testing.T) {
	p := newPublic(t, kratostest.Shared(t).PublicURL)
	for _, c := range []struct {
		id, path string
		want     kratos.Trait
		ok       bool
	}{
		{kratostest.DefaultSchema, "email", kratos.Trait{Identifier: true, Verifiable: true, Known: true}, true},
		{kratostest.CustomerSchema, "contact.email", kratos.Trait{Identifier: true, Verifiable: true, Known: true}, true},
		{kratostest.DefaultSchema, "name.first", kratos.Trait{}, true},
		{kratostest.CustomerSchema, "email", kratos.Trait{}, false},
		{kratostest.DefaultSchema, "email.address", kratos.Trait{}, false},
	} {
		schema, err := p.Schema(t.Context(), c.id)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok, whole := schema.Trait(c.path); got != c.want || ok != c.ok || !whole {
			t.Errorf("%s in %s: %+v, %t, %t", c.path, c.id, got, ok, whole)
		}
	}
	if _, err := p.Schema(t.Context(), "none"); !errors.Is(err, kratos.ErrNoSchema) {
		t.Errorf("got %v", err)
	}
}

// TestSchemaForms are those that JSON Schema allows for one and the same.
func TestSchemaForms(t *testing.T) {
	const email = `{"ory.sh/kratos":{"credentials":{"password":{"identifier":true}},"verification":{"via":"email"}}}`
	all := kratos.Trait{Identifier: true, Verifiable: true, Known: true}
	traits := func(s string) string { return `{"properties":{"traits":` + s + `}}` }
	for name, c := range map[string]struct {
		text      string
		want      kratos.Trait
		ok, whole bool
	}{
		"plain":            {traits(`{"properties":{"email":` + email + `}}`), all, true, true},
		"a reference":      {`{"properties":{"traits":{"$ref":"#/$defs/a~1b"}},"$defs":{"a/b":{"properties":{"email":` + email + `}}}}`, all, true, true},
		"parts":            {traits(`{"allOf":[{"properties":{"x":{}}},{"anyOf":[{"properties":{"email":{"oneOf":[` + email + `]}}}]}]}`), all, true, true},
		"a condition":      {traits(`{"if":{},"then":{"properties":{"email":` + email + `}}}`), all, true, true},
		"no marks":         {traits(`{"properties":{"email":{"type":"string"}}}`), kratos.Trait{}, true, true},
		"by code alone":    {traits(`{"properties":{"email":{"ory.sh/kratos":{"credentials":{"code":{"identifier":true}}}}}}`), kratos.Trait{Known: true}, true, true},
		"verified by SMS":  {traits(`{"properties":{"email":{"ory.sh/kratos":{"credentials":{"password":{"identifier":true}},"verification":{"via":"sms"}}}}}`), kratos.Trait{Identifier: true, Known: true}, true, true},
		"elsewhere":        {traits(`{"$ref":"https://example.com/traits.json"}`), kratos.Trait{}, false, false},
		"no such part":     {traits(`{"$ref":"#/$defs/none"}`), kratos.Trait{}, false, false},
		"a circle":         {traits(`{"$ref":"#/properties/traits"}`), kratos.Trait{}, false, true},
		"two in a circle":  {traits(`{"allOf":[{"$ref":"#"},{"$ref":"#/properties/traits"}]}`), kratos.Trait{}, false, true},
		"all of it odd":    {`{"properties":[{"traits":7}],"$ref":7,"allOf":"x"}`, kratos.Trait{}, false, true},
		"the root's alone": {`{"properties":{"email":` + email + `}}`, kratos.Trait{}, false, true},
	} {
		schema, err := served(t, http.StatusOK, c.text).Schema(t.Context(), "default")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, ok, whole := schema.Trait("email"); got != c.want || ok != c.ok || whole != c.whole {
			t.Errorf("%s: %+v, %t, %t", name, got, ok, whole)
		}
	}
}

// TestSchemaUnread: only Kratos' own word counts for a schema that is missing.
func TestSchemaUnread(t *testing.T) {
	for _, text := range []string{"", "null", "[]", "7", "<html>", `{"a":`} {
		if _, err := served(t, http.StatusOK, text).Schema(t.Context(), "default"); !errors.Is(err, kratos.ErrSchemaInvalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
	var e *bridge.IdentityError
	_, err := served(t, http.StatusNotFound, "CANARY").Schema(t.Context(), "default")
	if !errors.As(err, &e) || e.Status != http.StatusNotFound || !strings.Contains(e.Reason, "public API") || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("a proxy's 404: %v", err)
	}
	if _, err := newPublic(t, nobody(t)).Schema(t.Context(), "default"); !errors.As(err, &e) || e.Status != 0 {
		t.Errorf("nobody: %v", err)
	}
}

// served is a public API that gives one answer.
func served(t *testing.T, status int, text string) *kratos.Public {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(server.Close)
	return newPublic(t, server.URL)
}
