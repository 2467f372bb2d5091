package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

const appOrigin = "https://app.example.com"

// leads has the configuration for inviters by session: leads with any session, auditors with
// the second factor, and whom the hook permits.
func leads(hook string) string {
	return fmt.Sprintf(`
hooks: [ { id: authz, events: [pre_inviter_request], url: %q, can_interrupt: true, timeout: 1s } ]
inviters:
  enabled: true
  allow:
    - metadata_public.roles: lead
    - { metadata_public.roles: auditor, aal: aal2 }
    - { metadata_public.roles: asked, hook: authz }
  name_trait: name.first
  copy: { metadata_admin.team: metadata_public.team }
  allowed_origins: [%s]`, hook, appOrigin)
}

// signUp creates an active member with a role and signs in.
func signUp(t *testing.T, kratos *kratostest.Server, role string) (id uuid.UUID, email, session string) {
	t.Helper()
	email = "mine." + role + "." + uuid.NewString()[:8] + "@example.com"
	id, err := kratos.Create(t.Context(), fmt.Sprintf(`{"schema_id":"default","state":"active","traits":{"email":%q,"name":{"first":"Grace"}},
		"metadata_public":{"roles":[%q],"team":"blue"},"credentials":{"password":{"config":{"password":%q}}}}`, email, role, password))
	if err != nil {
		t.Fatal(err)
	}
	if session, err = kratos.Login(t.Context(), email, password); err != nil {
		t.Fatal(err)
	}
	return id, email, session
}

// TestMine: members of a real Kratos invite with a native token and with a browser's cookie.
// Nobody else does, and a deactivated member does not from the next request on.
func TestMine(t *testing.T) {
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{})
	var agrees atomic.Int32
	agrees.Store(http.StatusOK)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(agrees.Load())) }))
	defer hook.Close()
	b := startBridge(t, kratos, leads(hook.URL))
	at := b.public + base + "/mine"
	fresh := func() object { return object{"email": uuid.NewString() + "@example.com"} }
	want := func(what string, a answer, status int, id string) {
		t.Helper()
		if a.status != status || a.errorID() != id {
			t.Errorf("%s: %d %s, want %d %s", what, a.status, a.text, status, id)
		}
	}

	lead, email, session := signUp(t, kratos, "lead")
	first := b.call(http.MethodPost, at, fresh(), "X-Session-Token", session)
	want("a native token", first, http.StatusCreated, "")
	by, _ := first.body["created_by"].(object)
	if by["kind"] != "session" || by["id"] != lead.String() || first.body["inviter_name"] != "Grace" {
		t.Errorf("it is %s", first.text)
	}
	if admin := identity(t, kratos, first.body)["metadata_admin"].(object); admin["team"] != "blue" {
		t.Errorf("copied: %v", admin)
	}
	want("as a bearer token", b.call(http.MethodGet, at+"/"+first.body["id"].(string), nil, "Authorization", "Bearer "+session), http.StatusOK, "")
	cookie, err := kratos.LoginCookie(t.Context(), email, password)
	if err != nil {
		t.Fatal(err)
	}
	sent := "other=1; " + cookie.Name + "=" + cookie.Value
	want("a cookie of the app", b.call(http.MethodPost, at, fresh(), "Cookie", sent, "Origin", appOrigin), http.StatusCreated, "")
	want("a cookie of the same origin", b.call(http.MethodPost, at, fresh(), "Cookie", sent, "Sec-Fetch-Site", "same-origin"), http.StatusCreated, "")
	want("a forged form", b.call(http.MethodPost, at, fresh(), "Cookie", sent, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"), http.StatusForbidden, "forbidden")
	want("a cookie without an origin", b.call(http.MethodPost, at, fresh(), "Cookie", sent), http.StatusForbidden, "forbidden")
	want("no session", b.call(http.MethodPost, at, fresh()), http.StatusUnauthorized, "unauthorized")
	want("an API key", b.call(http.MethodPost, at, fresh(), "Authorization", "Bearer "+key), http.StatusUnauthorized, "unauthorized")

	_, _, other := signUp(t, kratos, "none")
	want("without the role", b.call(http.MethodPost, at, fresh(), "X-Session-Token", other), http.StatusForbidden, "forbidden")

	_, auditorEmail, auditor := signUp(t, kratos, "auditor")
	want("aal1", b.call(http.MethodPost, at, fresh(), "X-Session-Token", auditor), http.StatusForbidden, "forbidden")
	code, err := kratos.SetTOTP(t.Context(), auditor)
	if err != nil {
		t.Fatal(err)
	}
	if in, err := kratos.Whoami(t.Context(), auditor); err != nil || in.AAL != "aal2" {
		if err := kratos.StepUpTOTP(t.Context(), auditor, code()); err != nil {
			t.Fatal(err)
		}
	}
	want("aal2", b.call(http.MethodPost, at, fresh(), "X-Session-Token", auditor), http.StatusCreated, "")

	again, err := kratos.Login(t.Context(), auditorEmail, password)
	if err != nil {
		t.Fatal(err)
	}
	want("aal1 of an account with a second factor", b.call(http.MethodPost, at, fresh(), "X-Session-Token", again), http.StatusForbidden, "forbidden")

	_, _, asked := signUp(t, kratos, "asked")
	want("the hook agrees", b.call(http.MethodPost, at, fresh(), "X-Session-Token", asked), http.StatusCreated, "")
	agrees.Store(http.StatusForbidden)
	want("the hook refuses", b.call(http.MethodPost, at, fresh(), "X-Session-Token", asked), http.StatusForbidden, "forbidden")
	agrees.Store(http.StatusInternalServerError)
	want("the hook fails", b.call(http.MethodPost, at, fresh(), "X-Session-Token", asked), http.StatusServiceUnavailable, "hook_unavailable")
	hook.Close()
	want("the hook is gone", b.call(http.MethodGet, at, nil, "X-Session-Token", asked), http.StatusServiceUnavailable, "hook_unavailable")

	if err := kratos.Deactivate(t.Context(), lead); err != nil {
		t.Fatal(err)
	}
	want("deactivated", b.call(http.MethodGet, at, nil, "X-Session-Token", session), http.StatusUnauthorized, "unauthorized")
	want("deactivated, with the cookie", b.call(http.MethodPost, at, fresh(), "Cookie", sent, "Origin", appOrigin), http.StatusUnauthorized, "unauthorized")
	b.stop()
	for _, secret := range []string{session, cookie.Value, asked, auditor} {
		if strings.Contains(b.log.String(), secret) {
			t.Error("a session is in the log")
		}
	}
}

// TestMineWithoutKratos: while Kratos is down, nobody invites by session.
func TestMineWithoutKratos(t *testing.T) {
	b := startAgainst(t, "http://127.0.0.1:1", "http://127.0.0.1:1", leads("http://127.0.0.1:1"))
	a := b.call(http.MethodPost, b.public+base+"/mine", object{"email": "a@example.com"}, "X-Session-Token", "x")
	if a.status != http.StatusServiceUnavailable || a.errorID() != "kratos_unavailable" {
		t.Errorf("%d %s", a.status, a.text)
	}
}
