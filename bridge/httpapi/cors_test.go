package httpapi_test

import (
	"net/http"
	"testing"

	"invitebridge/bridge/httpapi"
)

// TestCORS: only configured origins may call the public API, without credentials;
// the admin listener has no CORS.
func TestCORS(t *testing.T) {
	const mine, theirs = "https://app.example.com", "https://evil.example"
	for _, listed := range []bool{false, true} {
		a := start(t, func(c *httpapi.Config) {
			if listed {
				c.AllowedOrigins = []string{mine}
			}
		})
		o := a.invite(object{"email": email})
		for _, origin := range []string{mine, theirs, "null"} {
			want := ""
			if listed && origin == mine {
				want = mine
			}
			preflight := do(t, request(t, http.MethodOptions, a.public+base+"/"+o.Token, nil,
				"Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type"))
			get := do(t, request(t, http.MethodGet, a.public+base+"/"+o.Token, nil, "Origin", origin))
			for name, got := range map[string]answer{"preflight": preflight, "get": get} {
				if allow := got.header.Get("Access-Control-Allow-Origin"); allow != want {
					t.Errorf("%s from %s, listed %v: allowed %q", name, origin, listed, allow)
				}
				if got.header.Get("Access-Control-Allow-Credentials") != "" {
					t.Error("credentials are allowed")
				}
			}
		}
		admin := do(t, request(t, http.MethodOptions, a.admin+base+"/", nil, "Origin", mine, "Access-Control-Request-Method", "POST"))
		if admin.header.Get("Access-Control-Allow-Origin") != "" {
			t.Error("the admin listener has CORS")
		}
	}
}
