package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
)

// routeScopes are the scopes of which a key needs one, by route of the admin listener.
var routeScopes = map[string][]httpapi.Scope{
	"POST " + base:                            {httpapi.ScopeInvite},
	"GET " + base:                             {httpapi.ScopeRead, httpapi.ScopeManage, httpapi.ScopeInvite},
	"GET " + base + "/backup":                 {httpapi.ScopeBackup},
	"GET " + base + "/{id}":                   {httpapi.ScopeRead, httpapi.ScopeManage, httpapi.ScopeInvite},
	"DELETE " + base + "/{id}":                {httpapi.ScopeManage},
	"POST " + base + "/{id}/resend":           {httpapi.ScopeManage, httpapi.ScopeInvite},
	"POST " + base + "/{id}/revoke":           {httpapi.ScopeManage, httpapi.ScopeInvite},
	"GET " + base + "/{id}/history":           {httpapi.ScopeRead, httpapi.ScopeManage, httpapi.ScopeInvite},
	"GET " + base + "/{id}/messages":          {httpapi.ScopeRead, httpapi.ScopeManage},
	"GET " + base + "/messages":               {httpapi.ScopeRead, httpapi.ScopeManage},
	"GET " + base + "/messages/{id}":          {httpapi.ScopeRead, httpapi.ScopeManage},
	"POST " + base + "/messages/{id}/retry":   {httpapi.ScopeManage},
	"GET " + base + "/endpoints":              {httpapi.ScopeRead, httpapi.ScopeManage},
	"POST " + base + "/endpoints/{id}/enable": {httpapi.ScopeManage},
	"POST " + base + "/imports":               {httpapi.ScopeImport},
	"GET " + base + "/imports":                {httpapi.ScopeRead, httpapi.ScopeManage, httpapi.ScopeImport},
	"GET " + base + "/imports/{id}":           {httpapi.ScopeRead, httpapi.ScopeManage, httpapi.ScopeImport},
	"GET " + base + "/imports/{id}/rows":      {httpapi.ScopeRead, httpapi.ScopeManage, httpapi.ScopeImport},
	"POST " + base + "/imports/{id}/pause":    {httpapi.ScopeManage, httpapi.ScopeImport},
	"POST " + base + "/imports/{id}/resume":   {httpapi.ScopeManage, httpapi.ScopeImport},
	"POST " + base + "/imports/{id}/cancel":   {httpapi.ScopeManage, httpapi.ScopeImport},
	"GET /metrics/prometheus":                 {httpapi.ScopeMetrics},
	"GET /openapi.json":                       httpapi.Scopes(),
}

// TestRoutesByScope: each route of the admin listener is open to keys with one of its
// scopes, closed to those with all others, and documented so.
func TestRoutesByScope(t *testing.T) {
	keys := map[string][]httpapi.Scope{"none": {}}
	for _, s := range httpapi.Scopes() {
		keys["only "+string(s)] = []httpapi.Scope{s}
	}
	a := startWithScopes(t, keys)
	walked := 0
	err := chi.Walk(a.handlers.Admin(), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if open := []string{"/health/alive", "/health/ready", "/version"}; slices.Contains(open, route) {
			return nil
		}
		walked++
		anyOf, known := routeScopes[method+" "+strings.TrimSuffix(route, "/")]
		if !known {
			t.Errorf("%s %s: say in this table which scopes it needs", method, route)
		}
		path := strings.ReplaceAll(route, "{id}", uuid.NewString())
		if got := documentedScopes(t, method, path); !sameScopes(got, anyOf) {
			t.Errorf("%s %s: %q are documented, not %q", method, route, got, anyOf)
		}
		for name, scopes := range keys {
			got := a.withKey(method, path, object{}, name)
			allowed := slices.ContainsFunc(anyOf, func(s httpapi.Scope) bool { return slices.Contains(scopes, s) })
			if refused := got.status == http.StatusForbidden && got.errorID() == "forbidden"; refused == allowed || got.status == http.StatusUnauthorized {
				t.Errorf("%s %s, key with %s: %d %s", method, route, name, got.status, got.body)
			}
			for _, s := range anyOf {
				if !allowed && !strings.Contains(string(got.body), `"`+string(s)+`"`) {
					t.Errorf("%s %s, key with %s: %s is not named: %s", method, route, name, s, got.body)
				}
			}
		}
		return nil
	})
	if err != nil || walked != len(routeScopes) {
		t.Errorf("walked %d of %d routes: %v", walked, len(routeScopes), err)
	}
}

// ofOthers are the routes on which an invitation by another creator does not exist for a
// key that may only invite.
var ofOthers = []string{"GET " + base + "/{id}", "POST " + base + "/{id}/resend", "POST " + base + "/{id}/revoke"}

// TestRoutesByCaller: each route of the admin listener by the kind of its caller. Who has
// no valid key learns the same of all.
func TestRoutesByCaller(t *testing.T) {
	w := bridgetest.New(t)
	a := startWith(t, w, func(c *httpapi.Config) {
		expired := keyNamed("expired", "expired", nil)
		expired.ExpiresAt = w.Clock.Now()
		c.APIKeys = append(c.APIKeys, expired)
		for _, s := range httpapi.Scopes() {
			c.APIKeys = append(c.APIKeys, keyNamed("only", "only "+string(s), []httpapi.Scope{s}))
		}
	})
	other := a.invite(object{"email": email})
	send := func(method, path, authorization string) answer {
		r := request(t, method, a.admin+path, nil)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		return do(t, r)
	}
	for route, anyOf := range routeScopes {
		method, path, _ := strings.Cut(strings.ReplaceAll(route, "{id}", other.ID), " ")
		for caller, authorization := range map[string]string{
			"without a key": "", "with another": "Bearer another", "with an expired one": "Bearer expired", "with Basic": "Basic " + key, "with none": "Bearer ",
		} {
			if got := send(method, path, authorization); got.status != http.StatusUnauthorized || got.errorID() != "unauthorized" {
				t.Errorf("%s %s: %d %s", route, caller, got.status, got.body)
			}
		}
		if got := send(method, path, "Bearer "+uselessKey); got.status != http.StatusForbidden || got.errorID() != "forbidden" {
			t.Errorf("%s without a scope: %d %s", route, got.status, got.body)
		}
		for _, s := range httpapi.Scopes() {
			got := send(method, path, "Bearer only "+string(s))
			switch {
			case !slices.Contains(anyOf, s):
				if got.status != http.StatusForbidden || got.errorID() != "forbidden" {
					t.Errorf("%s with %s: %d %s", route, s, got.status, got.body)
				}
			case s == httpapi.ScopeInvite && slices.Contains(ofOthers, route):
				if got.status != http.StatusNotFound || got.errorID() != "invitation_not_found" {
					t.Errorf("%s of another with %s: %d %s", route, s, got.status, got.body)
				}
			case got.status == http.StatusForbidden || got.status == http.StatusUnauthorized || got.status == http.StatusInternalServerError:
				t.Errorf("%s with %s: %d %s", route, s, got.status, got.body)
			}
		}
	}
}

func documentedScopes(t *testing.T, method, path string) (scopes []string) {
	t.Helper()
	o, _ := loadContract().find("admin", method, path)
	if o == nil {
		t.Fatalf("%s %s is not documented", method, path)
	}
	return o.scopes
}

func sameScopes(documented []string, want []httpapi.Scope) bool {
	names := make([]string, len(want))
	for i, s := range want {
		names[i] = string(s)
	}
	slices.Sort(names)
	return slices.Equal(slices.Sorted(slices.Values(documented)), names)
}
