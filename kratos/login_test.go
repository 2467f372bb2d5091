package kratos_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// TestLogin: a real Kratos leads to a page, to one that is not there, or to
// that of its makers, and only the first is one to sign in at.
func TestLogin(t *testing.T) {
	s := kratostest.Shared(t)
	var asked []string
	ui := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.String())
		switch r.URL.Path {
		case "/login":
		case "/busy":
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(ui.Close)
	for name, c := range map[string]struct {
		to   string
		none bool
	}{
		"a page":          {ui.URL + "/login", false},
		"a page, busy":    {ui.URL + "/busy", false},
		"not found":       {ui.URL + "/nowhere", true},
		"nobody":          {nobody(t), true},
		"no such host":    {"http://login.invalid/", true},
		"none configured": {"https://www.ory.sh/kratos/docs/fallback/login", true},
	} {
		front := inFront(t, s.PublicURL, func(r *http.Response) {
			if r.StatusCode != http.StatusSeeOther {
				t.Errorf("Kratos answers a browser with %d", r.StatusCode)
			}
			r.Header.Set("Location", c.to+"?flow=1")
		})
		if err := newPublic(t, front).Login(t.Context()); errors.Is(err, kratos.ErrNoLogin) != c.none || !c.none && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, address := range asked {
		if address != "/login" && address != "/busy" && address != "/nowhere" {
			t.Errorf("the page was given %s", address)
		}
	}
	// What is refused here may be there where the browser is.
	elsewhere := inFront(t, s.PublicURL, func(r *http.Response) { r.Header.Set("Location", nobody(t)+"/login") })
	if err := newPublic(t, strings.Replace(elsewhere, "127.0.0.1", "0.0.0.0", 1)).Login(t.Context()); err == nil || errors.Is(err, kratos.ErrNoLogin) {
		t.Errorf("a page on the browser's own machine: %v", err)
	}
	// As it is: Kratos' own port has no pages.
	if err := newPublic(t, s.PublicURL).Login(t.Context()); !errors.Is(err, kratos.ErrNoLogin) {
		t.Errorf("Kratos alone: %v", err)
	}
	if err := newPublic(t, nobody(t)).Login(t.Context()); err == nil || errors.Is(err, kratos.ErrNoLogin) {
		t.Errorf("no Kratos: %v", err)
	}
}
