package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"invitebridge/bridge/page/pagetest"
	"invitebridge/kratos/kratostest"
)

const passwordField, submitButton = "#password", "form > button"

// startPage starts a wired bridge whose links lead to itself.
func startPage(t *testing.T, lines ...string) *wired {
	t.Helper()
	serve := fmt.Sprintf(`serve: { public: { port: %d, base_url: "http://127.0.0.1:%[1]d" } }`, freePort(t))
	return newWired(t, append(lines, serve)...)
}

// freePort returns a port that is free right now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// withLogin starts a proxy to Kratos' public API that adds the login page to which
// Kratos redirects.
func withLogin(t *testing.T) string {
	t.Helper()
	kratos := kratostest.Shared(t).PublicURL
	u, err := url.Parse(kratos)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/login" {
			proxy.ServeHTTP(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "text/html")
		fmt.Fprint(rw, `<!doctype html><title>Sign in</title><link rel="icon" href="data:,"><p>Sign in`)
	}))
	proxy.ModifyResponse = func(res *http.Response) error {
		res.Header.Set("Location", strings.Replace(res.Header.Get("Location"), kratos, front.URL, 1))
		return nil
	}
	t.Cleanup(front.Close)
	return front.URL
}

// link returns the link in the next email to an address, and its token.
func (w *wired) link(email string) (link, token string) {
	w.t.Helper()
	sent := w.awaitEmail(email)
	at := strings.Index(sent.Text, w.public+"/invite/")
	found := tokenInLink.FindStringSubmatch(sent.Text)
	if at < 0 || found == nil {
		w.t.Fatalf("the email has no link to %s:\n%s", w.public, sent.Text)
	}
	return w.public + "/invite/" + found[1], found[1]
}

// assertNoLeak checks all network requests of a tab while it was on the page: they
// go to one origin, and none exposes the token.
func (w *wired) assertNoLeak(t *testing.T, tab *pagetest.Tab, token string) {
	t.Helper()
	log := tab.Log()
	for _, err := range []error{log.OneOrigin(w.public), log.Keeps(token, w.public), log.Quiet(), log.Unblocked()} {
		if err != nil {
			t.Error(err)
		}
	}
}

// signInAtKratos checks that the browser is on Kratos' login page, and that the
// password works.
func (w *wired) signInAtKratos(t *testing.T, tab *pagetest.Tab, email, token string) {
	t.Helper()
	tab.At(w.login + "/login?flow=")
	tab.See("Sign in")
	if err := tab.Log().Keeps(token, w.public); err != nil {
		t.Error(err)
	}
	if err := w.kratos.SignIn(t.Context(), email, password); err != nil {
		t.Error(err)
	}
}
