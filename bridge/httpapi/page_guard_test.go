package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"invitebridge/bridge/httpapi"
)

// TestPageHeaders: every response of the page has the security headers, errors
// included.
func TestPageHeaders(t *testing.T) {
	for _, publicURL := range []string{"http://join.example.com", "https://join.example.com"} {
		a := start(t, func(c *httpapi.Config) { c.PublicURL = publicURL; c.AllowedOrigins = []string{"*"} })
		o := a.invite(object{"email": "ada@example.com"})
		weak := a.submit(o.Token, passwordForm("short"), "Origin", "https://evil.example")
		broken := do(t, request(t, http.MethodPost, a.public+"/invite/"+o.Token, "{}"))
		for name, got := range map[string]answer{
			"form": a.open(o.Token, "Origin", "https://evil.example", "Cookie", "a=b"), "weak": weak, "broken": broken, "unknown": a.open("x"),
			"no method": do(t, request(t, http.MethodDelete, a.public+"/invite/"+o.Token, nil)), "accepted": a.submit(o.Token, passwordForm(password)), "done": a.open(o.Token),
		} {
			for header, want := range map[string]string{
				"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
				"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "X-Robots-Tag": "noindex, nofollow",
				"Content-Type": "text/html; charset=utf-8", "Content-Language": "en",
				// No cookies, and no access for pages of other origins.
				"Set-Cookie": "", "Access-Control-Allow-Origin": "", "WWW-Authenticate": "",
			} {
				if got := got.header.Get(header); got != want {
					t.Errorf("%s: %s is %q", name, header, got)
				}
			}
			policy := got.header.Get("Content-Security-Policy")
			for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
				if !strings.Contains(policy, part) {
					t.Errorf("%s: the policy lacks %s", name, part)
				}
			}
			if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || strings.Contains(policy, "http") {
				t.Errorf("%s: %s", name, policy)
			}
			if secure := got.header.Get("Strict-Transport-Security") != ""; secure != strings.HasPrefix(publicURL, "https:") {
				t.Errorf("%s at %s: Strict-Transport-Security %v", name, publicURL, secure)
			}
		}
	}
}

// TestPageCrossSite: requests that another site can make a browser send have no
// effect without the token. With the token, the browser adds nothing to what the
// sender could do alone.
func TestPageCrossSite(t *testing.T) {
	a := start(t)
	o := a.invite(object{"email": "ada@example.com"})
	foreign := []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Cookie", "ory_kratos_session=x; csrf_token=y"}
	for _, token := range []string{"", "x", strings.Repeat("A", 22), o.ID, "../" + o.Token[:21]} {
		if got := a.submit(token, passwordForm(password), foreign...); got.status != http.StatusNotFound {
			t.Errorf("%q: %d %s", token, got.status, got.body)
		}
	}
	// Media types that need no preflight either, and others.
	for _, kind := range []string{"text/plain", "multipart/form-data; boundary=x", "application/json", "application/x-www-form-urlencoded; charset=iso-8859-1", ""} {
		r := request(t, http.MethodPost, a.public+"/invite/"+o.Token, "password="+password, foreign...)
		r.Header.Set("Content-Type", kind)
		a.wantScreen(t, do(t, r), http.StatusUnsupportedMediaType, "form")
	}
	// The query is ignored: URLs are logged and shared.
	r := request(t, http.MethodPost, a.public+"/invite/"+o.Token+"?password="+password, "", "Content-Type", "application/x-www-form-urlencoded")
	a.wantScreen(t, do(t, r), http.StatusBadRequest, "form")
	// The holder of the token may accept, from any site.
	a.wantScreen(t, a.submit(o.Token, passwordForm(password), foreign...), http.StatusOK, "accepted")
	if log := a.log.String(); strings.Contains(log, o.Token) || strings.Contains(log, password) || !strings.Contains(log, `"route":"/invite/{token}"`) {
		t.Errorf("the log: %s", log)
	}
}

// TestPageInternalErrors: an internal error is shown as a page that contains only
// the request id.
func TestPageInternalErrors(t *testing.T) {
	a := start(t)
	o := a.invite(object{"email": "ada@example.com"})
	a.Store.OnCall(func() { panic("a defect with a secret") })
	for _, got := range []answer{a.open(o.Token), a.submit(o.Token, passwordForm(password))} {
		a.wantScreen(t, got, http.StatusInternalServerError, "unavailable", got.header.Get("X-Request-ID"))
		if strings.Contains(string(got.body), "defect") {
			t.Errorf("%s", got.body)
		}
	}
	if log := a.log.String(); strings.Contains(log, "with a secret") || !strings.Contains(log, `"error_id":"internal"`) {
		t.Errorf("the log: %s", log)
	}
}
