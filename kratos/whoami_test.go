package kratos_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/testenv"
	"invitebridge/kratos"
)

// TestWhoAmI: only what Kratos says itself decides about a session; anything else is no
// answer. The secret is sent as it was given, and nothing beside it.
func TestWhoAmI(t *testing.T) {
	const refused = `{"error":{"id":"session_inactive","code":401,"status":"Unauthorized","message":"no"}}`
	id := uuid.NewString()
	session := func(active, state string) string {
		return `{"id":"` + uuid.NewString() + `","active":` + active + `,"authenticator_assurance_level":"aal1","identity":{"id":"` + id + `","schema_id":"default","state":"` + state + `","traits":{}}}`
	}
	for name, c := range map[string]struct {
		status int
		body   string
		want   error // nil: an error of the identity system
		ok     bool
	}{
		"valid":                  {200, session("true", "active"), nil, true},
		"ended":                  {200, session("false", "active"), bridge.ErrSessionInvalid, false},
		"of an inactive one":     {200, session("true", "inactive"), bridge.ErrSessionInvalid, false},
		"none":                   {401, refused, bridge.ErrSessionInvalid, false},
		"second factor":          {403, `{"error":{"id":"session_aal2_required","code":403,"message":"no"}}`, bridge.ErrSecondFactorRequired, false},
		"another refusal":        {403, `{"error":{"code":403,"message":"no"}}`, nil, false},
		"of a proxy":             {401, `<h1>Unauthorized</h1>`, nil, false},
		"a page":                 {200, `<h1>Welcome</h1>`, nil, false},
		"without identity":       {200, `{"active":true}`, nil, false},
		"without id":             {200, strings.Replace(session("true", "active"), id, uuid.Nil.String(), 1), nil, false},
		"of another path":        {404, `{"error":{"code":404,"message":"no"}}`, nil, false},
		"a redirect":             {303, ``, nil, false},
		"broken":                 {500, ``, nil, false},
		"too many":               {429, ``, nil, false},
		"cut":                    {200, session("true", "active")[:50], nil, false},
		"longer than it may be":  {200, session("true", "active") + strings.Repeat(" ", 2<<20), nil, false},
		"with unknown members":   {200, strings.Replace(session("true", "active"), "{", `{"x":1,`, 1), nil, true},
		"state of another case":  {200, session("true", "Active"), bridge.ErrSessionInvalid, false},
		"active is not a bool":   {200, session(`"yes"`, "active"), nil, false},
		"401 with another code":  {401, `{"error":{"code":500,"message":"no"}}`, nil, false},
		"409 as if it were none": {409, refused, nil, false},
	} {
		for _, secret := range []bridge.Session{bridge.NewSession("CANARY"), bridge.NewCookieSession("my_cookie", "CANARY")} {
			var got http.Header
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = r.Header.Clone()
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			client, err := kratos.NewPublicClient(server.URL, testenv.Limit)
			if err != nil {
				t.Fatal(err)
			}
			i, err := client.WhoAmI(t.Context(), secret)
			client.Close()
			server.Close()
			var failed *bridge.IdentityError
			switch {
			case c.ok && (err != nil || i.ID.String() != id || i.AAL != "aal1"):
				t.Errorf("%s: %+v, %v", name, i, err)
			case !c.ok && i.ID != uuid.Nil:
				t.Errorf("%s: %+v with an error", name, i)
			case !c.ok && c.want != nil && !errors.Is(err, c.want):
				t.Errorf("%s: %v, want %v", name, err, c.want)
			case !c.ok && c.want == nil && !errors.As(err, &failed):
				t.Errorf("%s: %v", name, err)
			}
			if err != nil && strings.Contains(err.Error(), "CANARY") {
				t.Errorf("%s: the error has the secret: %v", name, err)
			}
			token, cookie := got.Get("X-Session-Token"), got.Get("Cookie")
			if secret.Cookie() == "" && (token != "CANARY" || cookie != "") || secret.Cookie() != "" && (token != "" || cookie != "my_cookie=CANARY") {
				t.Errorf("%s: sent %q and %q", name, token, cookie)
			}
		}
	}
}
