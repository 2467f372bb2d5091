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

// The schemas of a real Kratos are read.
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
		if got, ok, complete := schema.Trait(c.path); got != c.want || ok != c.ok || !complete {
			t.Errorf("%s in %s: %+v, %t, %t", c.path, c.id, got, ok, complete)
		}
	}
	if _, err := p.Schema(t.Context(), "none"); !errors.Is(err, kratos.ErrSchemaNotFound) {
		t.Errorf("got %v", err)
	}
}

// JSON Schema can express the same trait in different forms.
func TestSchema_forms(t *testing.T) {
	const email = `{"ory.sh/kratos":{"credentials":{"password":{"identifier":true}},"verification":{"via":"email"}}}`
	all := kratos.Trait{Identifier: true, Verifiable: true, Known: true}
	traits := func(s string) string { return `{"properties":{"traits":` + s + `}}` }
	for name, c := range map[string]struct {
		text         string
		want         kratos.Trait
		ok, complete bool
	}{
		"plain":            {traits(`{"properties":{"email":` + email + `}}`), all, true, true},
		"a reference":      {`{"properties":{"traits":{"$ref":"#/$defs/a~1b"}},"$defs":{"a/b":{"properties":{"email":` + email + `}}}}`, all, true, true},
		"percent-encoded":  {`{"properties":{"traits":{"$ref":"#/$defs/our%20people"}},"$defs":{"our people":{"properties":{"email":` + email + `}}}}`, all, true, true},
		"half an escape":   {`{"properties":{"traits":{"$ref":"#/$defs/100%"}},"$defs":{"100%":{"properties":{"email":` + email + `}}}}`, kratos.Trait{}, false, false},
		"parts":            {traits(`{"allOf":[{"properties":{"x":{}}},{"anyOf":[{"properties":{"email":{"oneOf":[` + email + `]}}}]}]}`), all, true, true},
		"a condition":      {traits(`{"if":{},"then":{"properties":{"email":` + email + `}}}`), all, true, true},
		"no marks":         {traits(`{"properties":{"email":{"type":"string"}}}`), kratos.Trait{}, true, true},
		"by code alone":    {traits(`{"properties":{"email":{"ory.sh/kratos":{"credentials":{"code":{"identifier":true}}}}}}`), kratos.Trait{Known: true}, true, true},
		"verified by SMS":  {traits(`{"properties":{"email":{"ory.sh/kratos":{"credentials":{"password":{"identifier":true}},"verification":{"via":"sms"}}}}}`), kratos.Trait{Identifier: true, Known: true}, true, true},
		"another document": {traits(`{"$ref":"https://example.com/traits.json"}`), kratos.Trait{}, false, false},
		"no such part":     {traits(`{"$ref":"#/$defs/none"}`), kratos.Trait{}, false, false},
		"a cycle":          {traits(`{"$ref":"#/properties/traits"}`), kratos.Trait{}, false, true},
		"two in a cycle":   {traits(`{"allOf":[{"$ref":"#"},{"$ref":"#/properties/traits"}]}`), kratos.Trait{}, false, true},
		"unexpected types": {`{"properties":[{"traits":7}],"$ref":7,"allOf":"x"}`, kratos.Trait{}, false, true},
		"only at the root": {`{"properties":{"email":` + email + `}}`, kratos.Trait{}, false, true},
	} {
		schema, err := served(t, http.StatusOK, c.text).Schema(t.Context(), "default")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, ok, complete := schema.Trait("email"); got != c.want || ok != c.ok || complete != c.complete {
			t.Errorf("%s: %+v, %t, %t", name, got, ok, complete)
		}
	}
}

// Only Kratos' own 404 means that a schema is missing.
func TestSchema_errors(t *testing.T) {
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
	if _, err := newPublic(t, closedAddress(t)).Schema(t.Context(), "default"); !errors.As(err, &e) || e.Status != 0 {
		t.Errorf("no server: %v", err)
	}
}

// served returns a public API that sends the same response to every request.
func served(t *testing.T, status int, text string) *kratos.PublicClient {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(server.Close)
	return newPublic(t, server.URL)
}
