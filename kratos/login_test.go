package kratos_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge/testenv"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// A real Kratos redirects to a page, to a missing page, or to Ory's own; only
// the first is a login page.
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
		"no server":       {closedAddress(t), true},
		"no such host":    {"http://login.invalid/", true},
		"none configured": {"https://www.ory.sh/kratos/docs/fallback/login", true},
	} {
		front := inFront(t, s.PublicURL, func(r *http.Response) {
			if r.StatusCode != http.StatusSeeOther {
				t.Errorf("Kratos answered a browser with %d", r.StatusCode)
			}
			r.Header.Set("Location", c.to+"?flow=1")
		})
		if err := newPublic(t, front).Login(t.Context()); errors.Is(err, kratos.ErrNoLoginPage) != c.none || !c.none && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, address := range asked {
		if address != "/login" && address != "/busy" && address != "/nowhere" {
			t.Errorf("the page received %s", address)
		}
	}
	// A page that refuses connections here may be available to the browser.
	elsewhere := inFront(t, s.PublicURL, func(r *http.Response) { r.Header.Set("Location", closedAddress(t)+"/login") })
	if err := newPublic(t, strings.Replace(elsewhere, "127.0.0.1", "0.0.0.0", 1)).Login(t.Context()); err == nil || errors.Is(err, kratos.ErrNoLoginPage) {
		t.Errorf("a page on the browser's own machine: %v", err)
	}
	// Without a proxy: Kratos' own port has no pages.
	if err := newPublic(t, s.PublicURL).Login(t.Context()); !errors.Is(err, kratos.ErrNoLoginPage) {
		t.Errorf("Kratos alone: %v", err)
	}
	if err := newPublic(t, closedAddress(t)).Login(t.Context()); err == nil || errors.Is(err, kratos.ErrNoLoginPage) {
		t.Errorf("no Kratos: %v", err)
	}
}

// Whatever the servers respond, one request is sent to each of two places,
// without secrets, and Login ends in time.
func TestLogin_hostile(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc // of the page
		none   bool
	}{
		"redirects again": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusSeeOther) }, false},
		"endless body":    {func(w http.ResponseWriter, r *http.Request) { flood(w, r, http.StatusOK) }, false},
		"endless 404":     {func(w http.ResponseWriter, r *http.Request) { flood(w, r, http.StatusNotFound) }, true},
		"long headers":    {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, false},
		"no response":     {hang, false},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.URL.String()+r.Header.Get("Cookie")+r.Header.Get("Authorization"))
				if r.URL.Path == "/login" {
					c.answer(w, r)
					return
				}
				http.SetCookie(w, &http.Cookie{Name: "csrf", Value: "CANARY"})
				w.Header().Set("Location", "http://user:CANARY@"+r.Host+"/login?flow=CANARY#CANARY")
				w.WriteHeader(http.StatusSeeOther)
			}))
			defer server.Close()
			p, err := kratos.NewPublicClient(server.URL, 5*time.Second) // for two answers, of which one may not come
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			begun := time.Now()
			err = p.Login(t.Context())
			if took := time.Since(begun); took >= testenv.Limit {
				t.Errorf("took %s", took)
			}
			if errors.Is(err, kratos.ErrNoLoginPage) != c.none || err != nil && strings.Contains(err.Error(), "CANARY") {
				t.Errorf("got %v", err)
			}
			server.CloseClientConnections()
			server.Close() // no request comes later
			if got := strings.Join(asked, " "); got != "/self-service/login/browser /login" {
				t.Errorf("requests were %s", got)
			}
		})
	}
}

// flood sends a body that does not end before its reader disconnects.
func flood(w http.ResponseWriter, r *http.Request, status int) {
	w.WriteHeader(status)
	for r.Context().Err() == nil {
		if _, err := w.Write(make([]byte, 64<<10)); err != nil {
			return
		}
	}
}
