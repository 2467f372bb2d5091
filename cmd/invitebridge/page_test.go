package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge/page/pagetest"
	"invitebridge/kratos/kratostest"
)

const passwordField, submitButton = "#password", "form > button"

// startPage is a wired bridge whose links lead to itself.
func startPage(t *testing.T, lines ...string) *wired {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	serve := fmt.Sprintf(`serve: { public: { port: %d, base_url: "http://127.0.0.1:%[1]d" } }`, port)
	return newWired(t, append(lines, serve)...)
}

// withLogin stands in front of Kratos' public API, and adds the page to sign in
// at that Kratos leads to.
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

// link gives what the newest letter to an address leads to.
func (w *wired) link(email string) (link, token string) {
	w.t.Helper()
	letter := w.letter(email)
	at := strings.Index(letter.Text, w.public+"/invite/")
	found := tokenInLink.FindStringSubmatch(letter.Text)
	if at < 0 || found == nil {
		w.t.Fatalf("the letter has no link to %s:\n%s", w.public, letter.Text)
	}
	return w.public + "/invite/" + found[1], found[1]
}

// discreet judges all that a tab asked of the network while it was at the page.
func (w *wired) discreet(t *testing.T, tab *pagetest.Tab, token string) {
	t.Helper()
	log := tab.Log()
	for _, err := range []error{log.OneOrigin(w.public), log.Keeps(token, w.public), log.Quiet(), log.Unblocked()} {
		if err != nil {
			t.Error(err)
		}
	}
}

// signsIn has the browser go on to Kratos, and signs in there.
func (w *wired) signsIn(t *testing.T, tab *pagetest.Tab, email, token string) {
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

// TestPage goes the whole way from the mail's link to a login at a real Kratos,
// in a real browser, as invitees of all kinds do.
func TestPage(t *testing.T) {
	login := withLogin(t)
	w := startPage(t, "page: { title: Example, support_address: help@example.com }", "invitation: { cooldown: 1s }", "kratos: { public_url: "+login+" }")
	w.login = login

	t.Run("a wrong password, then a right one", func(t *testing.T) {
		const email = "page.whole@example.com"
		offer := w.invite(object{"email": email, "inviter_name": "Grace"})
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
		w.discreet(t, tab, token)
		tab.Click("main a.button")
		w.signsIn(t, tab, email, token)
		if !w.verified(t, offer) {
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
		w.discreet(t, tab, token)
		tab.Reload() // sends the form again
		tab.See("Diese Einladung wurde schon benutzt")
		tab.Click("main a.button")
		w.signsIn(t, tab, email, token)
	})
	t.Run("with the keyboard alone", func(t *testing.T) {
		const email = "page.keys@example.com"
		w.invite(object{"email": email, "locale": "de"})
		link, token := w.link(email)
		tab := pagetest.Open(t, pagetest.Options{Language: "fr"}) // which there is not: the invitation decides
		tab.Visit(link)
		tab.See("Passwort wählen")
		tab.Press(pagetest.TabKey + pagetest.TabKey + password)
		if typed := tab.Value(passwordField); typed != password {
			t.Fatalf("%q was typed, at %s", typed, tab.Focused())
		}
		tab.Press(pagetest.Enter)
		tab.See("Ihr Passwort ist gesetzt")
		w.discreet(t, tab, token)
		tab.Press(pagetest.TabKey + pagetest.Enter)
		w.signsIn(t, tab, email, token)
	})
	t.Run("expired, and a new link", func(t *testing.T) {
		const email = "page.late@example.com"
		offer := w.invite(object{"email": email, "expires_in": "1s"})
		link, token := w.link(email)
		expires, err := time.Parse(time.RFC3339Nano, offer["expires_at"].(string))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(expires)) // the clock of a running program is the real one
		tab := pagetest.Open(t, pagetest.Options{})
		tab.Visit(link)
		tab.See("This invitation has expired")
		tab.Click("form > button")
		tab.See("Check your mailbox")
		w.discreet(t, tab, token)
		link, token = w.link(email)
		tab.Visit(link)
		tab.Fill(passwordField, password)
		tab.Click(submitButton)
		tab.See("Your password is set")
		tab.Click("main a.button")
		w.signsIn(t, tab, email, token)
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
		w.signsIn(t, tab, email, token)
	})
	t.Run("clicked twice", func(t *testing.T) {
		for _, noScript := range []bool{false, true} {
			email := fmt.Sprintf("page.twice.%v@example.com", noScript)
			w.invite(object{"email": email})
			link, token := w.link(email)
			tab := pagetest.Open(t, pagetest.Options{NoScript: noScript})
			clicked := make(chan struct{})
			release := sync.OnceFunc(func() { w.gate.Answer(nil); close(clicked) })
			t.Cleanup(release) // a hook that still waits would block the cleanup
			w.gate.Answer(func(hookEvent, http.ResponseWriter) bool { <-clicked; return false })
			tab.Visit(link)
			tab.Fill(passwordField, password)
			tab.ClickTwice(submitButton)
			release()
			tab.See(map[bool]string{false: "Your password is set", true: "Sign in with the password that you chose"}[noScript])
			tab.Click("main a.button")
			w.signsIn(t, tab, email, token)
			if n := len(w.gate.events("pre_password_creation", email)); n != 1 {
				t.Errorf("the hook was asked %d times", n)
			}
		}
	})
	t.Run("the network goes, and comes back", func(t *testing.T) {
		const email = "page.tunnel@example.com"
		w.invite(object{"email": email})
		link, token := w.link(email)
		tab := pagetest.Open(t, pagetest.Options{})
		tab.Visit(link)
		tab.Fill(passwordField, password)
		tab.Cut()
		tab.Click(submitButton)
		tab.See("We could not reach the server. Nothing was lost.")
		tab.Mend()
		tab.Slow()
		tab.Click(submitButton)
		tab.See("Your password is set")
		tab.Mend()
		tab.Reload()
		tab.See("has already been used")
		tab.Click("main a.button")
		w.signsIn(t, tab, email, token)
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
		w.discreet(t, tab, token)
	})
}

// TestPageLeadsOn: where the inviter, or the operator, names a place, the page
// goes there by itself, and does not say where it came from.
func TestPageLeadsOn(t *testing.T) {
	var referers []string
	app := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		referers = append(referers, r.Referer())
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
	if len(referers) != 4 || strings.Join(referers, "") != "" {
		t.Errorf("visits came from %q", referers)
	}
}

// TestPageLeadsNowhere: where Kratos has no page to sign in at, nobody is sent to
// an error page. The page says where to sign in.
func TestPageLeadsNowhere(t *testing.T) {
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

// TestPageReload: looks change while the bridge runs, and only for good ones.
func TestPageReload(t *testing.T) {
	b := startFakeBridge(t, "page: { title: Former }")
	offer := b.invite(object{"email": "a@example.com"})
	title := func() string {
		_, after, _ := strings.Cut(b.call(http.MethodGet, b.public+"/invite/"+token(offer), nil).text, "<bdi>")
		name, _, _ := strings.Cut(after, "<")
		return name
	}
	css := b.store + ".css"
	for i, step := range []struct{ style, lines, said, title string }{
		{"", "page: { title: Former }", reloaded, "Former"},
		{"main { color: red }", "page: { title: Latter, css_path: " + css + " }", reloaded, "Latter"},
		{"</style>", "page: { title: Broken, css_path: " + css + " }", kept, "Latter"},
		{"", `page: { title: Pale, accent_color: "#ffff00" }`, kept, "Latter"},
	} {
		write(t, css, step.style)
		b.change(step.said, step.lines)
		if got := title(); got != step.title {
			t.Errorf("step %d: the title is %q", i, got)
		}
	}
}
