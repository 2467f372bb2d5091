package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"invitebridge/bridge/page/pagetest"
)

// TestPageRedirects: if the inviter or the configuration sets a return URL, the
// page redirects there without a referrer.
func TestPageRedirects(t *testing.T) {
	var referrers []string
	app := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		referrers = append(referrers, r.Referer())
		rw.Header().Set("Content-Type", "text/html")
		fmt.Fprint(rw, `<!doctype html><title>App</title><link rel="icon" href="data:,"><p>Welcome to the app`)
	}))
	defer app.Close()
	w := startPage(t, fmt.Sprintf("invitation: { return_to: %s/start, allowed_return_urls: [ %[1]s/ ] }", app.URL))
	for _, noScript := range []bool{false, true} {
		for name, to := range map[string]string{"configured": "/start", "asked": "/team"} {
			email := fmt.Sprintf("on.%s.%v@example.com", name, noScript)
			body := object{"email": email}
			if name == "asked" {
				body["return_to"] = app.URL + to
			}
			w.invite(body)
			link, token := w.link(email)
			tab := pagetest.Open(t, pagetest.Options{NoScript: noScript})
			tab.Visit(link)
			tab.Fill(passwordField, password)
			tab.Click(submitButton)
			tab.At(app.URL + to)
			tab.See("Welcome to the app")
			if err := tab.Log().Keeps(token, w.public); err != nil {
				t.Error(err)
			}
		}
	}
	if len(referrers) != 4 || strings.Join(referrers, "") != "" {
		t.Errorf("visits came from %q", referrers)
	}
}

// TestPageNoLogin: if Kratos has no login page, the page shows where to sign in
// instead of a link to an error page.
func TestPageNoLogin(t *testing.T) {
	const email = "page.nowhere@example.com"
	w := startPage(t)
	w.invite(object{"email": email})
	link, _ := w.link(email)
	tab := pagetest.Open(t, pagetest.Options{})
	tab.Visit(link)
	tab.Fill(passwordField, password)
	tab.Click(submitButton)
	tab.See("You can sign in now at " + strings.TrimPrefix(w.kratos.PublicURL, "http://"))
	tab.Await("main.accepted:not(:has(a))")
	tab.Reload()
	tab.Await("main.done:not(:has(a))")
	if err := w.kratos.SignIn(t.Context(), email, password); err != nil {
		t.Error(err)
	}
}
