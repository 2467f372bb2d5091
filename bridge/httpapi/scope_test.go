package httpapi_test

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
)

// startWithScopes starts an API with a key for each name, which is its secret too.
func startWithScopes(t *testing.T, scopes map[string][]httpapi.Scope) *api {
	t.Helper()
	return start(t, func(c *httpapi.Config) {
		for name, s := range scopes {
			c.APIKeys = append(c.APIKeys, httpapi.APIKey{Name: name, SHA256: sha256.Sum256([]byte(name)), Scopes: s})
		}
	})
}

// keyNamed returns an API key.
func keyNamed(name, secret string, scopes []httpapi.Scope) httpapi.APIKey {
	return httpapi.APIKey{Name: name, SHA256: sha256.Sum256([]byte(secret)), Scopes: scopes}
}

func (a *api) withKey(method, path string, body any, secret string) answer {
	a.t.Helper()
	r := request(a.t, method, a.admin+path, body, "Authorization", "Bearer "+secret)
	return do(a.t, r)
}

// uploadAs sends a CSV file with a key.
func (a *api) uploadAs(secret, query, file string) answer {
	a.t.Helper()
	return do(a.t, request(a.t, http.MethodPost, a.admin+base+"/imports?"+query, file, "Authorization", "Bearer "+secret, "Content-Type", "text/csv"))
}

// importAs imports a CSV file with a key, and returns the id of the import.
func (a *api) importAs(secret, file string) string {
	a.t.Helper()
	got := a.uploadAs(secret, "", file)
	if got.status != http.StatusAccepted {
		a.t.Fatalf("import: %d %s", got.status, got.body)
	}
	var i importView
	got.into(a.t, &i)
	a.runImports()
	return i.ID
}

// TestExpiredKey: from its expiry on, a key is refused like an unknown one.
func TestExpiredKey(t *testing.T) {
	var used []string
	w := bridgetest.New(t)
	expiry := w.Clock.Now().Add(time.Hour)
	a := startWith(t, w, func(c *httpapi.Config) {
		c.APIKeys = append(c.APIKeys, httpapi.APIKey{Name: "backend", SHA256: sha256.Sum256([]byte("for an hour")), ExpiresAt: expiry})
		c.KeyUsed = func(name string) { used = append(used, name) }
	})
	w.Clock.Advance(time.Hour - time.Millisecond)
	if got := a.withKey(http.MethodGet, base, nil, "for an hour"); got.status != http.StatusOK {
		t.Errorf("before: %d %s", got.status, got.body)
	}
	w.Clock.Advance(time.Millisecond)
	unknown := a.withKey(http.MethodGet, base, nil, "another")
	if got := a.withKey(http.MethodGet, base, nil, "for an hour"); got.status != http.StatusUnauthorized || got.errorID() != unknown.errorID() {
		t.Errorf("at its expiry: %d %s", got.status, got.body)
	}
	if !slices.Equal(used, []string{"backend"}) {
		t.Errorf("used: %q", used)
	}
}

// TestNoLinkWithoutScope: a key without link, whatever else it may do, is given no token
// and no link by any route.
func TestNoLinkWithoutScope(t *testing.T) {
	var others []httpapi.Scope
	for _, s := range httpapi.Scopes() {
		if s != httpapi.ScopeLink && s != httpapi.ScopeBackup {
			others = append(others, s)
		}
	}
	a := startWithScopes(t, map[string][]httpapi.Scope{"no link": others})
	var all strings.Builder
	send := func(method, path string, body any, want int) answer {
		t.Helper()
		got := a.withKey(method, path, body, "no link")
		if got.status != want {
			t.Fatalf("%s %s: %d %s", method, path, got.status, got.body)
		}
		all.Write(got.body)
		for name := range got.header {
			all.WriteString(got.header.Get(name) + "\n")
		}
		return got
	}
	var made issuedInvitation
	send(http.MethodPost, base, object{"email": email}, http.StatusCreated).into(t, &made)
	send(http.MethodPost, base, object{"email": email}, http.StatusOK)
	a.invite(object{"email": "alan@example.com"})
	send(http.MethodPost, base, object{"email": "alan@example.com"}, http.StatusConflict)
	send(http.MethodPost, base+"/"+made.ID+"/resend", nil, http.StatusOK)
	imported := a.importAs("no link", "email\ngrace@example.com\n")
	var links []string
	for _, endpoint := range []string{bridge.EndpointCourier, bridgetest.Hook} {
		claimed, _, err := a.Service.ClaimMessages(t.Context(), endpoint, 100, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range claimed {
			if link := c.Dispatch.Payload.Data.Link; link != "" {
				links = append(links, link)
			}
		}
	}
	if len(links) < 4 { // of the resend and of the import, for both endpoints
		t.Fatalf("%d links are sent, too few for this test", len(links))
	}
	var messages []struct{ ID string }
	send(http.MethodGet, base+"/messages", nil, http.StatusOK).into(t, &messages)
	a.callEveryRoute(func(method, route string) {
		id := made.ID
		for part, other := range map[string]string{"/messages/{": messages[0].ID, "/endpoints/{": bridgetest.Hook, "/imports/{": imported} {
			if strings.Contains(route, part) {
				id = other
			}
		}
		got := a.withKey(method, strings.ReplaceAll(route, "{id}", id), nil, "no link")
		if got.status == http.StatusUnauthorized || got.status == http.StatusForbidden && route != base+"/backup" || got.status == http.StatusNotFound && got.errorID() != "endpoint_not_found" {
			t.Errorf("%s %s: %d %s", method, route, got.status, got.body)
		}
		if route != "/openapi.json" { // which documents the names
			all.Write(got.body)
		}
	})
	for _, link := range links {
		token := link[strings.LastIndex(link, "/")+1:]
		if strings.Contains(all.String(), token) {
			t.Errorf("%s was answered in\n%s", token, all.String())
		}
	}
	if strings.Contains(all.String(), `"invitation_token":`) || strings.Contains(all.String(), `"invitation_link":`) {
		t.Errorf("%s", all.String())
	}
}

// callEveryRoute calls do for each route of the admin listener that needs a key, the
// deleting ones last.
func (a *api) callEveryRoute(do func(method, route string)) {
	a.t.Helper()
	var deleting []string
	err := chi.Walk(a.handlers.Admin(), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		route = strings.TrimSuffix(route, "/")
		switch {
		case slices.Contains([]string{"/health/alive", "/health/ready", "/version"}, route):
		case method == http.MethodDelete:
			deleting = append(deleting, route)
		default:
			do(method, route)
		}
		return nil
	})
	if err != nil || len(deleting) == 0 {
		a.t.Fatal(deleting, err)
	}
	for _, route := range deleting {
		do(http.MethodDelete, route)
	}
}

// TestFieldsByScope: fields of an invite that need a scope are refused without it, in an
// import row by row, and nothing is changed.
func TestFieldsByScope(t *testing.T) {
	a := startWithScopes(t, map[string][]httpapi.Scope{"inviter": {httpapi.ScopeInvite, httpapi.ScopeImport, httpapi.ScopeRead}})
	for field, c := range map[string]struct {
		value any
		scope string
	}{"notify": {false, "link"}, "reactivate": {true, "reactivate"}} {
		got := a.withKey(http.MethodPost, base, object{"email": email, field: c.value}, "inviter")
		if got.status != http.StatusForbidden || got.errorID() != "forbidden" || !strings.Contains(string(got.body), `"scopes":["`+c.scope+`"]`) {
			t.Errorf("%s: %d %s", field, got.status, got.body)
		}
	}
	if got := a.uploadAs("inviter", "notify=false", "email\nada@example.com\n"); got.status != http.StatusForbidden || got.errorID() != "forbidden" {
		t.Errorf("for all rows: %d %s", got.status, got.body)
	}
	id := a.importAs("inviter", "email,notify,reactivate\nada@example.com,false,\ngrace@example.com,,true\nalan@example.com,true,false\n")
	rows := a.withKey(http.MethodGet, base+"/imports/"+id+"/rows?result=failed", nil, "inviter")
	if n := strings.Count(string(rows.body), `"error_id":"forbidden"`); n != 2 {
		t.Errorf("%d rows are forbidden: %s", n, rows.body)
	}
	var list []bridge.InvitationView
	if err := json.Unmarshal(a.asAdmin(http.MethodGet, "", nil).body, &list); err != nil || len(list) != 1 || list[0].Email != "alan@example.com" {
		t.Errorf("%v, %v", list, err)
	}
}

// TestInviteOnly: a key that may only invite learns nothing of an invitation that is pending,
// and changes nothing.
func TestInviteOnly(t *testing.T) {
	a := start(t)
	a.invite(object{"email": email, "inviter_name": "Grace", "notify": false})
	got := a.withKey(http.MethodPost, base, object{"email": email}, inviterKey)
	if got.status != http.StatusConflict || got.errorID() != "invitation_exists" || strings.Contains(string(got.body), "Grace") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if n := len(a.EventsFor(t, bridge.EndpointCourier)); n != 0 {
		t.Errorf("%d emails", n)
	}
}

// TestResendReactivated: without reactivate, no key resends an invitation that hands over
// an account.
func TestResendReactivated(t *testing.T) {
	a := startWithScopes(t, map[string][]httpapi.Scope{"manager": {httpapi.ScopeManage, httpapi.ScopeLink}})
	id := a.Kratos.Add(email, true)
	a.Clock.Advance(time.Hour)
	a.Kratos.Deactivate(id)
	o := a.invite(object{"email": email, "reactivate": true, "expires_in": "48h"})
	path := base + "/" + o.ID + "/resend"
	if got := a.withKey(http.MethodPost, path, nil, "manager"); got.status != http.StatusForbidden || !strings.Contains(string(got.body), `"scopes":["reactivate"]`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := a.withKey(http.MethodPost, path, nil, key); got.status != http.StatusOK {
		t.Errorf("with all scopes: %d %s", got.status, got.body)
	}
}

// TestForbiddenChangesNothing: a request that is refused for its scope does not even expire
// what is due.
func TestForbiddenChangesNothing(t *testing.T) {
	a := start(t)
	a.invite(object{"email": email, "expires_in": "1s"})
	a.Clock.Advance(time.Minute)
	for _, secret := range []string{uselessKey, key} {
		a.withKey(http.MethodPost, base+"/"+uuid.NewString()+"/revoke", nil, secret)
		expired := slices.Contains(a.EventsFor(t, bridgetest.Hook), bridge.EventInvitationExpired)
		if expired != (secret == key) {
			t.Errorf("with %q: expired %v", secret, expired)
		}
	}
}

// TestUploadAfterExpiry: an upload ends when its key expires, and nothing of it is kept.
func TestUploadAfterExpiry(t *testing.T) {
	a := start(t)
	id, finish := a.beginUpload()
	a.handlers.SetAPIKeys([]httpapi.APIKey{{Name: "backend", SHA256: sha256.Sum256([]byte(key)), ExpiresAt: a.Clock.Now()}})
	if got := finish(); got.status != http.StatusUnauthorized || got.errorID() != "unauthorized" {
		t.Errorf("%d %s", got.status, got.body)
	}
	a.runImports()
	if _, err := a.Service.GetImport(t.Context(), uuid.MustParse(id)); err == nil {
		t.Error("the import exists")
	}
}
