package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// TestMineOrigin: a cookie counts only if the browser says that an allowed page sent it.
func TestMineOrigin(t *testing.T) {
	a := startWithInviters(t)
	m := a.member(nil)
	for name, c := range map[string]struct {
		headers []string
		want    int
	}{
		"allowed origin":              {[]string{"Origin", allowedOrigin}, 201},
		"same origin":                 {[]string{"Sec-Fetch-Site", "same-origin"}, 201},
		"neither":                     {nil, 403},
		"foreign origin":              {[]string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		"same site":                   {[]string{"Origin", "https://evil.example.com", "Sec-Fetch-Site", "same-site"}, 403},
		"opaque origin":               {[]string{"Origin", "null"}, 403},
		"another port":                {[]string{"Origin", allowedOrigin + ":8443"}, 403},
		"another scheme":              {[]string{"Origin", "http://app.example.com"}, 403},
		"a suffix":                    {[]string{"Origin", allowedOrigin + ".evil.example"}, 403},
		"upper case":                  {[]string{"Origin", strings.ToUpper(allowedOrigin)}, 403},
		"opened by hand":              {[]string{"Sec-Fetch-Site", "none"}, 403},
		"a form":                      {[]string{"Origin", "https://evil.example", "Content-Type", "text/plain"}, 403},
		"a form of the allowed page":  {[]string{"Origin", allowedOrigin, "Content-Type", "text/plain"}, 415},
		"a token beside the cookie":   {[]string{"Origin", allowedOrigin, "X-Session-Token", "x"}, 400},
		"a bearer beside the cookie":  {[]string{"Origin", allowedOrigin, "Authorization", "Bearer x"}, 400},
		"another scheme of authority": {[]string{"Origin", allowedOrigin, "Authorization", "Basic x"}, 401},
	} {
		body := object{"email": uuid.NewString() + "@example.com"}
		if got := m.browse(http.MethodPost, "", body, c.headers...); got.status != c.want {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := m.browse(http.MethodGet, "", nil); got.status != http.StatusForbidden {
		t.Errorf("reading without an origin: %d", got.status)
	}
	twice := sessionCookie + "=" + m.session.Reveal()
	if got := m.send(http.MethodGet, "", nil, "Cookie", twice+"; "+twice, "Origin", allowedOrigin); got.status != http.StatusBadRequest {
		t.Errorf("two cookies: %d %s", got.status, got.body)
	}
	if got := m.send(http.MethodGet, "", nil, "Cookie", "other="+m.session.Reveal(), "Origin", allowedOrigin); got.status != http.StatusUnauthorized {
		t.Errorf("another cookie: %d %s", got.status, got.body)
	}
	if got := m.send(http.MethodGet, "", nil, "Authorization", "Bearer "+m.session.Reveal()); got.status != http.StatusOK {
		t.Errorf("as a bearer token: %d %s", got.status, got.body)
	}
	if got := m.send(http.MethodGet, "", nil, "Authorization", "Bearer "+key); got.status != http.StatusUnauthorized {
		t.Errorf("an API key: %d %s", got.status, got.body)
	}
}

// TestMineCORS: only the allowed origins get CORS, with credentials, and on these routes
// only.
func TestMineCORS(t *testing.T) {
	a := startWithInviters(t)
	for origin, want := range map[string]string{allowedOrigin: allowedOrigin, "https://evil.example": ""} {
		got := do(t, request(t, http.MethodOptions, a.public+base+"/mine", nil,
			"Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type"))
		if got.header.Get("Access-Control-Allow-Origin") != want || (got.header.Get("Access-Control-Allow-Credentials") == "true") != (want != "") {
			t.Errorf("%s: %v", origin, got.header)
		}
	}
	got := do(t, request(t, http.MethodOptions, a.public+base+"/"+uuid.NewString(), nil, "Origin", allowedOrigin, "Access-Control-Request-Method", "POST"))
	if got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("other routes: %v", got.header)
	}
}
