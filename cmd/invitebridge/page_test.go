package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge/page/pagetest"
)

// TestPage goes from the link in the email to a login at a real Kratos, in a real
// browser, as different invitees do.
func TestPage(t *testing.T) {
	login := withLogin(t)
	w := startPage(t, "page: { title: Example, support_address: help@example.com }", "invitation: { cooldown: 1s }", "kratos: { public_url: "+login+" }")
	w.login = login

	// An invitation that is sent again lasts as long as at first, which must suffice on
	// a slow machine. It expires while the other tests run.
	const late = "page.late@example.com"
	expiring := w.invite(object{"email": late, "expires_in": "30s"})
	expiredLink, expiredToken := w.link(late)
	t.Run("a wrong password, then a right one", func(t *testing.T) {
		const email = "page.whole@example.com"
		issued := w.invite(object{"email": email, "inviter_name": "Grace"})
		link, token := w.link(email)
		tab := pagetest.Open(t, pagetest.Options{Width: 390, Height: 780, Mobile: true})
		tab.Visit(link)
		tab.See("Grace has invited you")
		if account := tab.Value("#username"); account != email {
			t.Errorf("the account is %q", account)
		}
		tab.Fill(passwordField, "short")
		tab.Click(submitButton)
		tab.Await(".faults[role=alert]")
		tab.See("needs at least 8 characters")
		if typed, focus := tab.Value(passwordField), tab.Focused(); typed != "short" || !strings.Contains(focus, "password") {
			t.Errorf("%q is left in the field, and the focus is on %s", typed, focus)
		}
		tab.Fill(passwordField, password)
		tab.Click(submitButton)
		tab.See("Your password is set")
		w.assertNoLeak(t, tab, token)
		tab.Click("main a.button")
		w.signInAtKratos(t, tab, email, token)
		if !w.verified(t, issued) {
			t.Error("the address is not verified")
		}
	})
	t.Run("without scripts, in German", func(t *testing.T) {
		const email = "page.plain@example.com"
		w.invite(object{"email": email})
		link, token := w.link(email)
		tab := pagetest.Open(t, pagetest.Options{NoScript: true, Language: "de-DE", Dark: true})
		tab.Visit(link)
		tab.See("Passwort wählen")
		tab.Fill(passwordField, email)
		if status := tab.Follow(func() { tab.Click(submitButton) }); status != http.StatusBadRequest {
			t.Errorf("a similar password: %d", status)
		}
		tab.See("ähnelt Ihrer E-Mail-Adresse")
		tab.Fill(passwordField, password)
		if status := tab.Follow(func() { tab.Click(submitButton) }); status != http.StatusOK {
			t.Errorf("a good password: %d", status)
		}
		tab.See("Ihr Passwort ist gesetzt")
		w.assertNoLeak(t, tab, token)
		tab.Reload() // sends the form again
		tab.See("Diese Einladung wurde schon benutzt")
		tab.Click("main a.button")
		w.signInAtKratos(t, tab, email, token)
	})
	t.Run("with the keyboard only", func(t *testing.T) {
		const email = "page.keys@example.com"
		w.invite(object{"email": email, "locale": "de"})
		link, token := w.link(email)
		tab := pagetest.Open(t, pagetest.Options{Language: "la"}) // not supported, so the invitation's locale applies
		tab.Visit(link)
		tab.See("Passwort wählen")
		tab.Press(pagetest.TabKey + pagetest.TabKey + password)
		if typed := tab.Value(passwordField); typed != password {
			t.Fatalf("%q was typed, at %s", typed, tab.Focused())
		}
		tab.Press(pagetest.Enter)
		tab.See("Ihr Passwort ist gesetzt")
		w.assertNoLeak(t, tab, token)
		tab.Press(pagetest.TabKey + pagetest.Enter)
		w.signInAtKratos(t, tab, email, token)
	})
	t.Run("expired, and a new link", func(t *testing.T) {
		link, token := expiredLink, expiredToken
		expires, err := time.Parse(time.RFC3339Nano, expiring["expires_at"].(string))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(expires)) // the program uses the real clock
		tab := pagetest.Open(t, pagetest.Options{})
		tab.Visit(link)
		tab.See("This invitation has expired")
		tab.Click("form > button")
		tab.See("Check your inbox")
		w.assertNoLeak(t, tab, token)
		link, token = w.link(late)
		tab.Visit(link)
		tab.Fill(passwordField, password)
		tab.Click(submitButton)
		tab.See("Your password is set")
		tab.Click("main a.button")
		w.signInAtKratos(t, tab, late, token)
	})
	t.Run("accepted already", func(t *testing.T) {
		const email = "page.again@example.com"
		w.invite(object{"email": email})
		link, token := w.link(email)
		if a := w.accept(token, password); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.text)
		}
		tab := pagetest.Open(t, pagetest.Options{})
		tab.Visit(link)
		tab.See("has already been used")
		tab.Click("main a.button")
		w.signInAtKratos(t, tab, email, token)
	})
	t.Run("clicked twice", func(t *testing.T) {
		for _, noScript := range []bool{false, true} {
			email := fmt.Sprintf("page.twice.%v@example.com", noScript)
			w.invite(object{"email": email})
			link, token := w.link(email)
			tab := pagetest.Open(t, pagetest.Options{NoScript: noScript})
			clicked := make(chan struct{})
			release := sync.OnceFunc(func() { w.gate.Answer(nil); close(clicked) })
			t.Cleanup(release) // a hook call in flight would block the cleanup
			w.gate.Answer(func(hookEvent, http.ResponseWriter) bool { <-clicked; return false })
			tab.Visit(link)
			tab.Fill(passwordField, password)
			tab.ClickTwice(submitButton)
			release()
			tab.See(map[bool]string{false: "Your password is set", true: "Sign in with the password that you chose"}[noScript])
			tab.Click("main a.button")
			w.signInAtKratos(t, tab, email, token)
			if n := len(w.gate.events("pre_password_creation", email)); n != 1 {
				t.Errorf("the hook was called %d times", n)
			}
		}
	})
	t.Run("the network fails and recovers", func(t *testing.T) {
		const email = "page.tunnel@example.com"
		w.invite(object{"email": email})
		link, token := w.link(email)
		tab := pagetest.Open(t, pagetest.Options{})
		tab.Visit(link)
		tab.Fill(passwordField, password)
		tab.Disconnect()
		tab.Click(submitButton)
		tab.See("We could not reach the server. Nothing was lost.")
		tab.Reconnect()
		tab.SlowNetwork()
		tab.Click(submitButton)
		tab.See("Your password is set")
		tab.Reconnect()
		tab.Reload()
		tab.See("has already been used")
		tab.Click("main a.button")
		w.signInAtKratos(t, tab, email, token)
	})
	t.Run("a hook refuses", func(t *testing.T) {
		const email = "page.refused@example.com"
		w.invite(object{"email": email})
		link, token := w.link(email)
		tab := pagetest.Open(t, pagetest.Options{})
		w.gate.Answer(func(_ hookEvent, rw http.ResponseWriter) bool {
			rw.WriteHeader(http.StatusForbidden)
			fmt.Fprint(rw, `{"messages":[{"instance_ptr":"#/traits/email","messages":[{"id":4900001,"text":"No <seat> is left.","type":"error"}]}]}`)
			return true
		})
		tab.Visit(link)
		tab.Fill(passwordField, password)
		tab.Click(submitButton)
		tab.See("No <seat> is left.")
		w.gate.Answer(nil)
		tab.Click(submitButton) // the password is still there
		tab.See("Your password is set")
		w.assertNoLeak(t, tab, token)
	})
}

// TestPageReload: a reload changes the page, but only if the new one is valid.
func TestPageReload(t *testing.T) {
	b := startFakeBridge(t, "page: { title: Former }")
	issued := b.invite(object{"email": "a@example.com"})
	title := func() string {
		_, after, _ := strings.Cut(b.call(http.MethodGet, b.public+"/invite/"+token(issued), nil).text, "<bdi>")
		name, _, _ := strings.Cut(after, "<")
		return name
	}
	css := b.store + ".css"
	for i, step := range []struct{ style, lines, logged, title string }{
		{"", "page: { title: Former }", reloaded, "Former"},
		{"main { color: red }", "page: { title: Latter, css_path: " + css + " }", reloaded, "Latter"},
		{"</style>", "page: { title: Broken, css_path: " + css + " }", kept, "Latter"},
		{"", `page: { title: Pale, accent_color: "#ffff00" }`, kept, "Latter"},
	} {
		write(t, css, step.style)
		b.change(step.logged, step.lines)
		if got := title(); got != step.title {
			t.Errorf("step %d: the title is %q", i, got)
		}
	}
}
