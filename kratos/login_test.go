package kratos_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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

// TestLoginHostile: whatever answers, one request is sent to each of two places,
// with no secret, and it ends in time.
func TestLoginHostile(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc // of the page
		none   bool
	}{
		"leads on":     {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusSeeOther) }, false},
		"without end":  {func(w http.ResponseWriter, r *http.Request) { flood(w, r, http.StatusOK) }, false},
		"missing, too": {func(w http.ResponseWriter, r *http.Request) { flood(w, r, http.StatusNotFound) }, true},
		"long headers": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, false},
		"never":        {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, false},
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
			p, err := kratos.NewPublic(server.URL, 2*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			begun := time.Now()
			err = p.Login(t.Context())
			if errors.Is(err, kratos.ErrNoLogin) != c.none || err != nil && strings.Contains(err.Error(), "CANARY") {
				t.Errorf("got %v", err)
			}
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
			server.CloseClientConnections()
			server.Close() // and nothing is asked any more
			if got := strings.Join(asked, " "); got != "/self-service/login/browser /login" {
				t.Errorf("asked %s", got)
			}
		})
	}
}

// flood answers with a body that does not end before its reader leaves.
func flood(w http.ResponseWriter, r *http.Request, status int) {
	w.WriteHeader(status)
	for r.Context().Err() == nil {
		if _, err := w.Write(make([]byte, 64<<10)); err != nil {
			return
		}
	}
}
