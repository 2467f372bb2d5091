package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"invitebridge/bridge/page/pagetest"
)

// TestWaysIn_people: whatever the browser is like, the invitee gets to the settings
// page, or to a page that says how to go on. No secret stays behind.
func TestWaysIn_people(t *testing.T) {
	w := startWaysIn(t)
	var codes []*regexp.Regexp
	hidden := func(tab *pagetest.Tab) { codes = append(codes, codePattern(tab.Value("[name=code]"))) }
	t.Run("without scripts, in German", func(t *testing.T) {
		tab := w.open(t, "people.plain@example.com", pagetest.Options{NoScript: true, Language: "de-DE"})
		tab.Click(kratosButton)
		tab.See("Im nächsten Schritt wählen Sie")
		hidden(tab)
		tab.Click(submitButton)
		w.atSettings(tab)
	})
	t.Run("with the keyboard only", func(t *testing.T) {
		tab := w.open(t, "people.keys@example.com", pagetest.Options{})
		tab.Press(strings.Repeat(pagetest.TabKey, 5) + pagetest.Enter) // account, password, show, submit
		w.atSettings(tab)
	})
	t.Run("with another person's session", func(t *testing.T) {
		const email = "people.second@example.com"
		tab := w.open(t, "people.first@example.com", pagetest.Options{})
		tab.Click(kratosButton)
		w.atSettings(tab)
		w.invite(object{"email": email})
		link, _ := w.link(email)
		tab.Visit(link)
		tab.Click(kratosButton)
		w.atSettings(tab)
		tab.Visit(w.pages + "/sessions")
		tab.See("You are signed in as " + email)
	})
	t.Run("closed before the code is sent", func(t *testing.T) {
		const email = "people.closed@example.com"
		w.invite(object{"email": email})
		link, _ := w.link(email)
		first := pagetest.Open(t, pagetest.Options{NoScript: true})
		first.Visit(link)
		first.Click(kratosButton)
		first.See("Continue to choose how you want to sign in")
		hidden(first)
		tab := pagetest.Open(t, pagetest.Options{})
		tab.Visit(link)
		tab.See("If you have not chosen how to sign in yet")
		tab.Click("main a.button")
		tab.At(w.pages + "/login?flow=")
		tab.Click("a[href*=recovery]")
		tab.Fill("[name=email]", email)
		tab.Click("button[name=method][value=code]")
		tab.Fill("[name=code]", w.code(t, email))
		tab.Click("button[name=method][value=code]")
		w.atSettings(tab)
	})
	t.Run("Kratos makes no code", func(t *testing.T) {
		broken := w.withoutCodes(t)
		const email = "people.nocode@example.com"
		broken.invite(object{"email": email})
		link, _ := broken.link(email)
		tab := pagetest.Open(t, pagetest.Options{})
		tab.Visit(link)
		tab.Click(kratosButton)
		tab.See("To choose how you want to sign in, go to the sign-in page")
		tab.Click("main a.button")
		tab.At(w.pages + "/login?flow=")
		assertNoCode(t, broken.running, codes)
	})
	t.Run("the settings page is not configured", func(t *testing.T) {
		bare := w.beside(t, w.kratos.AdminURL)
		const email = "people.typed@example.com"
		bare.invite(object{"email": email})
		link, _ := bare.link(email)
		tab := pagetest.Open(t, pagetest.Options{})
		tab.Visit(link)
		tab.Click(kratosButton)
		tab.See("The next page asks for this code")
		code, page := tab.Text(".code"), tab.Link("main a.button")
		codes = append(codes, codePattern(code))
		tab.Visit(page) // as the button does, in a tab of its own
		tab.Fill("[name=code]", code)
		tab.Click("button[name=method][value=code]")
		w.atSettings(tab)
		assertNoCode(t, bare.running, codes)
	})
	if len(codes) != 3 {
		t.Errorf("%d codes were seen", len(codes))
	}
	assertNoCode(t, w.running, codes)
	for _, e := range append(w.crm.all(), w.gate.all()...) {
		for _, code := range codes {
			if code.MatchString(e.body) {
				t.Errorf("%s has a code", e.Type)
			}
		}
	}
}

// withoutCodes starts a bridge whose requests for recovery codes fail.
func (w *waysIn) withoutCodes(t *testing.T) *wired {
	t.Helper()
	u, err := url.Parse(w.kratos.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	admin := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/admin/recovery/code" {
			http.NotFound(rw, r)
			return
		}
		proxy.ServeHTTP(rw, r)
	}))
	t.Cleanup(admin.Close)
	return w.beside(t, admin.URL)
}

// codePattern matches a code of six digits that is not part of a time.
func codePattern(code string) *regexp.Regexp {
	return regexp.MustCompile(`(^|[^0-9.])` + regexp.QuoteMeta(code) + `([^0-9]|$)`)
}

// assertNoCode is assertNoSecret for codes.
func assertNoCode(t *testing.T, b *running, codes []*regexp.Regexp) {
	t.Helper()
	assertNoSecret(t, b, nil)
	file, err := os.ReadFile(b.store)
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range codes {
		if code.MatchString(b.log.String()) || code.Match(file) {
			t.Errorf("the log or the store has a code")
		}
	}
}
