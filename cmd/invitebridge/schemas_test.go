package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

// startKratosWithSchemas starts a real Kratos with realistic schemas.
func startKratosWithSchemas(t *testing.T) *kratostest.Server {
	t.Helper()
	kratostest.SkipIfShort(t)
	kratos, err := kratostest.Start(t.Context(), kratostest.Options{Schemas: kratostest.CompanySchemas(), BcryptCost: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kratos.Stop() })
	return kratos
}

// identities returns the number of identities in Kratos.
func identities(t *testing.T, kratos *kratostest.Server) int {
	t.Helper()
	a, err := send(t.Context(), http.MethodGet, kratos.AdminURL+"/admin/identities?page_size=500&per_page=500", nil)
	var all []json.RawMessage
	if err == nil {
		err = json.Unmarshal([]byte(a.text), &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// TestSchemas: with every schema, an invitation answered with 201 leads to a
// login, and a second one adds no identity.
func TestSchemas(t *testing.T) {
	kratos := startKratosWithSchemas(t)
	b := startBridge(t, kratos)
	for _, c := range []struct {
		schema, name string // name to log in with, if not the address
		traits       object
	}{
		{schema: "flat"}, {schema: "flat", traits: object{"name": "Eve", "shoe": 38}},
		{schema: "nested"}, {schema: "nested", traits: object{"department": "sales", "contact": object{"phone": "1"}}},
		{schema: "stray"}, {schema: "stray", traits: object{"email": "stray@example.com"}},
		{schema: kratostest.CustomerSchema}, {schema: "referring"},
		{schema: "named", name: "dee", traits: object{"username": "dee"}},
	} {
		email := uuid.NewString() + "@example.com"
		body := object{"email": email, "schema_id": c.schema}
		if c.traits != nil {
			body["traits"] = c.traits
		}
		before := identities(t, kratos)
		issued, again := b.invite(body), b.invite(body)
		if again["id"] != issued["id"] || identities(t, kratos) != before+1 {
			t.Errorf("%v: invited twice: %v and %v", body, issued, again)
		}
		if a := b.accept(token(again), password); a.status != http.StatusOK {
			t.Errorf("%v: %d %s", body, a.status, a.text)
		}
		if c.name == "" {
			c.name = email
		}
		if err := kratos.SignIn(t.Context(), c.name, password); err != nil {
			t.Errorf("%v: %v", body, err)
		}
	}
}

// TestSchemasRejected: an invitation that cannot lead to a login is rejected with
// the reason, and leaves no identity.
func TestSchemasRejected(t *testing.T) {
	kratos := startKratosWithSchemas(t)
	b := startBridge(t, kratos)
	old := startBridge(t, kratos, "kratos: { email_trait: email }")
	mapped := startBridge(t, kratos, "kratos: { email_trait: { two: work, nested: mail } }")
	create := func(schema, traits string) uuid.UUID {
		id, err := kratos.Create(t.Context(), fmt.Sprintf(`{"schema_id":%q,"state":"inactive","traits":%s}`, schema, traits))
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	named := create("named", `{"email":"named@example.com"}`)
	create("passwordless", `{"email":"coded@example.com"}`)
	for _, c := range []struct {
		bridge  *running
		body    object
		status  int
		errorID string
		words   []string
	}{
		{b, object{"schema_id": "two"}, http.StatusBadRequest, "traits_invalid", []string{"private, work", "kratos.email_trait"}},
		{b, object{"schema_id": "list"}, http.StatusBadRequest, "traits_invalid", []string{"emails[]", "list"}},
		{b, object{"schema_id": "list", "traits": object{"emails": []string{"eve@example.com"}}}, http.StatusBadRequest, "traits_invalid", []string{"list"}},
		{b, object{"schema_id": "passwordless"}, http.StatusBadRequest, "traits_invalid", []string{"passwordless", "no password identifier"}},
		{b, object{"schema_id": "named"}, http.StatusBadRequest, "traits_invalid", []string{"traits.username", "missing"}},
		{b, object{"schema_id": "none"}, http.StatusBadRequest, "traits_invalid", []string{"schema none", "default, customer", "flat"}},
		{old, object{"schema_id": "none"}, http.StatusBadRequest, "traits_invalid", []string{"schema none", "default, customer", "flat"}},
		{old, object{"schema_id": "nested"}, http.StatusBadRequest, "traits_invalid", []string{"traits.email", "nested", "kratos.email_trait"}},
		{old, object{"schema_id": "nested", "traits": object{"contact": object{"email": "other@example.com"}}}, http.StatusBadRequest, "traits_invalid", []string{"kratos.email_trait"}},
		{old, object{"schema_id": "stray"}, http.StatusBadRequest, "traits_invalid", []string{"kratos.email_trait"}},
		{old, object{"schema_id": kratostest.CustomerSchema}, http.StatusBadRequest, "traits_invalid", []string{"contact"}},
		{mapped, object{"schema_id": "nested"}, http.StatusBadRequest, "traits_invalid", []string{"traits.mail", "kratos.email_trait"}},
		{b, object{"identity_id": named}, http.StatusConflict, "identity_conflict", []string{"traits.username"}},
		{b, object{"email": "coded@example.com", "schema_id": "passwordless"}, http.StatusConflict, "identity_conflict", []string{"no password identifier"}},
	} {
		if c.body["email"] == nil && c.body["identity_id"] == nil {
			c.body["email"] = "eve@example.com"
		}
		before := identities(t, kratos)
		for range 2 {
			a := c.bridge.asAdmin(http.MethodPost, "/", c.body)
			missing := slices.ContainsFunc(c.words, func(word string) bool { return !strings.Contains(a.text, word) })
			if a.status != c.status || a.errorID() != c.errorID || missing {
				t.Errorf("%v: %d %s, want %s with %q", c.body, a.status, a.text, c.errorID, c.words)
			}
		}
		if after := identities(t, kratos); after != before {
			t.Errorf("%v: %d identities were left over", c.body, after-before)
		}
	}
	for bridge, body := range map[*running]object{
		mapped: {"email": "two@example.com", "schema_id": "two", "traits": object{"private": "home@example.com"}},
		old:    {"email": "old@example.com", "schema_id": "flat"},
	} {
		if a := bridge.accept(token(bridge.invite(body)), password); a.status != http.StatusOK {
			t.Errorf("%v: %d %s", body, a.status, a.text)
		}
		if err := kratos.SignIn(t.Context(), body["email"].(string), password); err != nil {
			t.Errorf("%v: %v", body, err)
		}
	}
}

// TestSchemaIdentifierRemoved: the identifier was removed after the invitation.
// Accepting fails, and succeeds once the identifier is set again.
func TestSchemaIdentifierRemoved(t *testing.T) {
	kratos := startKratosWithSchemas(t)
	b := startBridge(t, kratos)
	issued := b.invite(object{"email": "lost@example.com", "schema_id": "named", "traits": object{"username": "lost"}})
	id := uuid.MustParse(issued["identity_id"].(string))
	replace := func(traits string) {
		t.Helper()
		body := fmt.Sprintf(`{"schema_id":"named","state":"inactive","traits":%s,"metadata_admin":%s}`, traits, markOf(t, kratos, id))
		if err := kratos.Replace(t.Context(), id, body); err != nil {
			t.Fatal(err)
		}
	}
	replace(`{"email":"lost@example.com"}`)
	a := b.accept(token(issued), password)
	if a.errorID() != "kratos_rejected" || !strings.Contains(a.text, "Contact the person who invited you") {
		t.Errorf("%d %s", a.status, a.text)
	}
	if state := identity(t, kratos, issued)["state"]; state != "inactive" {
		t.Errorf("the identity is %v", state)
	}
	replace(`{"email":"lost@example.com","username":"found"}`)
	if a := b.accept(token(issued), password); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.text)
	}
	if err := kratos.SignIn(t.Context(), "found", password); err != nil {
		t.Error(err)
	}
}

// TestSchemaLeftover: an identity that was rejected but could not be deleted, as
// after a crash, is found and deleted by the doctor.
func TestSchemaLeftover(t *testing.T) {
	kratos := startKratosWithSchemas(t)
	var unwilling atomic.Bool
	admin := proxyTo(t, kratos.AdminURL, func(r *http.Request) int {
		if unwilling.Load() && r.Method == http.MethodDelete {
			return http.StatusInternalServerError
		}
		return 0
	}, nil)
	b := startAgainst(t, kratos.PublicURL, admin)
	b.invite(object{"email": "well@example.com"})
	before := identities(t, kratos)
	unwilling.Store(true)
	if a := b.asAdmin(http.MethodPost, "/", object{"email": "eve@example.com", "schema_id": "passwordless"}); a.errorID() != "traits_invalid" {
		t.Errorf("%d %s", a.status, a.text)
	}
	if after := identities(t, kratos); after != before+1 {
		t.Fatalf("%d identities, before %d", after, before)
	}
	hourAhead := "INVITEBRIDGE_KRATOS_ADMIN_URL=" + proxyTo(t, kratos.AdminURL, nil, clockAhead(time.Hour))
	_, findings, _ := newExaminedBridge(b).doctor([]string{hourAhead}, "--fix")
	if !slices.ContainsFunc(findings, func(f finding) bool { return f.Email == "eve@example.com" && f.Verdict == verdictOK }) {
		t.Errorf("%+v", findings)
	}
	if after := identities(t, kratos); after != before {
		t.Errorf("%d identities, before %d", after, before)
	}
}

// TestSchemaUnreadable: without access to Kratos' public API the bridge starts
// and warns that invitations are rejected. With kratos.email_trait it works.
func TestSchemaUnreadable(t *testing.T) {
	kratos := kratostest.Shared(t)
	guarded := proxyTo(t, kratos.PublicURL, func(r *http.Request) int {
		if strings.HasPrefix(r.URL.Path, "/schemas") {
			return http.StatusForbidden
		}
		return 0
	}, nil)
	before := identities(t, kratos)
	for _, public := range []string{closedAddress(t), guarded} {
		b := startAgainst(t, public, kratos.AdminURL)
		a := b.asAdmin(http.MethodPost, "/", object{"email": "unread@example.com"})
		if a.status != http.StatusServiceUnavailable || a.errorID() != "kratos_unavailable" || !strings.Contains(a.text, "kratos.email_trait") || a.header.Get("Retry-After") == "" {
			t.Errorf("%d %s", a.status, a.text)
		}
		if !strings.Contains(b.log.String(), "invitations are rejected until") {
			t.Error("no warning at start")
		}
	}
	if after := identities(t, kratos); after != before {
		t.Errorf("%d identities were left over", after-before)
	}
	email := uuid.NewString() + "@example.com"
	b := startAgainst(t, closedAddress(t), kratos.AdminURL, "kratos: { email_trait: email }")
	if a := b.accept(token(b.invite(object{"email": email})), password); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.text)
	}
}

// TestSchemaMissing: the bridge does not start if Kratos does not have the
// configured schema.
func TestSchemaMissing(t *testing.T) {
	kratos := kratostest.Shared(t)
	file := filepath.Join(t.TempDir(), "invitebridge.yml")
	write(t, file, fmt.Sprintf("dsn: bolt://%s/invites.db\nkratos: { public_url: %s, admin_url: %s, schema_id: person }\n"+
		"serve: { public: { port: 0 }, admin: { port: 0, api_keys: [ { name: tests, key: %s } ] } }\n",
		filepath.Dir(file), kratos.PublicURL, kratos.AdminURL, key))
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"serve", "-c", file}, nil, stdio{out: &out, err: &errs})
	if code != exitUsage || !strings.Contains(errs.String(), "kratos.schema_id: Kratos has no identity schema person; it has default, customer") {
		t.Errorf("exit code %d: %s", code, &errs)
	}
}

// TestDoctorSchemas: every schema is checked, the default one more strictly.
func TestDoctorSchemas(t *testing.T) {
	kratos := startKratosWithSchemas(t)
	p := newExaminedBridge(startBridge(t, kratos))
	for id, want := range map[string]string{
		"default": "ok: a password identifier", "flat": "ok: email", "nested": "ok: contact.email", "stray": "ok: contact.email", "referring": "ok: person.email",
		"named": "ok: username", "two": "problem: private, work", "list": "problem: emails[]", "passwordless": "problem: invitees could not log in",
	} {
		for _, own := range []string{"default", id} {
			_, findings, _ := p.doctor([]string{"INVITEBRIDGE_KRATOS_SCHEMA_ID=" + own})
			check := "schema " + id
			if own == id {
				check = "kratos.schema_id"
			}
			verdict, text, _ := strings.Cut(want, ": ")
			if verdict == verdictProblem && own != id {
				verdict = verdictWarning
			}
			found := findingsOf(findings, check)
			if len(found) != 1 || found[0].Verdict != verdict || !strings.Contains(found[0].Message+found[0].Advice, text) {
				t.Errorf("%s, with %s configured: %+v", id, own, found)
			}
		}
	}
	_, findings, _ := p.doctor([]string{"INVITEBRIDGE_KRATOS_EMAIL_TRAIT={nested: email, tow: work}"})
	if found := findingsOf(findings, "schema nested"); len(found) != 1 || found[0].Verdict != verdictWarning || !strings.Contains(found[0].Message, "no trait email") {
		t.Errorf("another trait is configured: %+v", found)
	}
	if found := findingsOf(findings, "kratos.email_trait"); len(found) != 1 || !strings.Contains(found[0].Message, "tow") {
		t.Errorf("a schema that does not exist: %+v", found)
	}
}
