package selfservice_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge/mail/mailtest"
	"invitebridge/bridge/page/pagetest"
	"invitebridge/bridge/testenv"
	"invitebridge/cmd/demo/selfservice"
	"invitebridge/kratos/kratostest"
)

func TestMain(m *testing.M) { os.Exit(pagetest.Main(m)) }

var _ = flag.Bool("update", false, "update the picture in docs/screenshots")

const (
	email  = "ada@example.com"
	first  = "correct-Horse-7-battery"
	second = "another-Horse-8-battery"
)

// TestUI signs in, changes the password, signs out and recovers the account, in a
// browser with a real Kratos.
func TestUI(t *testing.T) {
	kratostest.SkipIfShort(t)
	box, err := mailtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Stop)
	var ui http.Handler
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { ui.ServeHTTP(w, r) }))
	t.Cleanup(pages.Close)
	kratos, err := kratostest.Start(t.Context(), kratostest.Options{BcryptCost: 4, Courier: true, Config: selfservice.Configuration(pages.URL, box.URI())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kratos.Stop() })
	ui = selfservice.New(kratos.PublicURL, kratos.PublicURL)
	if refused, err := kratos.Register(t.Context(), email, first); err != nil || len(refused) > 0 {
		t.Fatal(refused, err)
	}

	tab := pagetest.Open(t, pagetest.Options{Width: 640, Height: 300})
	tab.Visit(pages.URL) // not signed in
	tab.At(pages.URL + "/login?flow=")
	signIn(tab, second)
	tab.See("The provided credentials are invalid")
	if typed := tab.Value("[name=identifier]"); typed != email {
		t.Errorf("the field contains %q, want the submitted address", typed)
	}
	checkPage(t, tab)
	signIn(tab, first)
	tab.At(pages.URL + "/sessions")
	tab.See("You are signed in as " + email)
	pagetest.Shot(tab, "signed-in")

	tab.Click("a[href='/settings']")
	tab.See("Settings")
	tab.Fill("[name=password]", "short")
	tab.Click("button[name=method][value=password]")
	tab.See("must be at least")
	checkPage(t, tab)
	tab.Fill("[name=password]", second)
	tab.Click("button[name=method][value=password]")
	tab.At(pages.URL + "/sessions")

	tab.Visit(pages.URL)
	tab.Click("a[href*=logout]")
	tab.At(pages.URL + "/login?flow=")
	tab.Click("a[href*=recovery]")
	tab.See("Recover your account")
	tab.Fill("[name=email]", email)
	tab.Click("button[name=method][value=code]")
	tab.See("containing a recovery code")
	tab.Fill("[name=code]", code(t, box))
	tab.Click("button[name=method][value=code]")
	tab.At(pages.URL + "/settings?flow=")
	tab.See("You successfully recovered your account")
	tab.Visit(pages.URL)
	tab.See("You are signed in as " + email)
	if err := tab.Log().Unblocked(); err != nil {
		t.Error(err)
	}

	tab.Visit(pages.URL + "/login?flow=11111111-1111-4111-8111-111111111111") // an unknown flow
	tab.See("You are signed in as " + email)
	tab.Visit(kratos.PublicURL + "/self-service/login/browser?return_to=https://elsewhere.example.com/")
	tab.At(pages.URL + "/error?id=")
	tab.See("is not allowed")
}

func signIn(tab *pagetest.Tab, password string) {
	tab.Fill("[name=identifier]", email)
	tab.Fill("[name=password]", password)
	tab.Click("button[name=method][value=password]")
}

func checkPage(t *testing.T, tab *pagetest.Tab) {
	t.Helper()
	for _, v := range pagetest.Check(tab) {
		if v.Rule != pagetest.RulePurpose { // Kratos sets no autocomplete for traits
			t.Error(v)
		}
	}
}

// code waits for the recovery email and returns its code. It skips the
// verification email that arrives before.
func code(t *testing.T, box *mailtest.Mailbox) string {
	t.Helper()
	timeout := time.After(testenv.Limit)
	for {
		select {
		case message := <-box.Emails:
			if strings.Contains(strings.ToLower(message.Subject), "recover access") {
				return regexp.MustCompile(`\b\d{6}\b`).FindString(message.Text)
			}
		case <-timeout:
			t.Fatal("no email arrived")
		}
	}
}

// TestHostile: no text in Kratos' responses becomes markup.
func TestHostile(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	answer := strings.ReplaceAll(`{"ui": {"action": "javascript:alert(1)", "method": "post", "messages": [{"type": "error", "text": "EVIL"}], "nodes": [
		{"type": "input", "group": "default", "attributes": {"name": "EVIL", "type": "text", "value": "EVIL"}, "meta": {"label": {"text": "EVIL"}}},
		{"type": "a", "group": "default", "attributes": {"href": "javascript:alert(1)", "title": {"text": "EVIL"}}},
		{"type": "img", "group": "default", "attributes": {"src": "javascript:alert(1)"}},
		{"type": "text", "group": "default", "attributes": {"text": {"text": "EVIL"}}}
	]}, "error": {"reason": "EVIL"}, "identity": {"traits": {"email": "EVIL"}}, "logout_url": "javascript:alert(1)"}`, "EVIL", strings.ReplaceAll(evil, `"`, `\"`))
	kratos := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) }))
	defer kratos.Close()
	ui := selfservice.New(kratos.URL, kratos.URL)
	for _, path := range []string{"/login?flow=1", "/settings?flow=1", "/error?id=1", "/sessions"} {
		w := httptest.NewRecorder()
		ui.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		body := w.Body.String()
		if w.Code != http.StatusOK || strings.Contains(body, "<script") || strings.Contains(body, "javascript:") || !strings.Contains(body, "&lt;script&gt;") {
			t.Errorf("%s: %d\n%s", path, w.Code, body)
		}
	}
}

// TestTraitsOfAnyShape: the page shows who is signed in, whatever the identity
// schema.
func TestTraitsOfAnyShape(t *testing.T) {
	for traits, who := range map[string]string{
		`{"email":"ada@example.com"}`: "ada@example.com", `{"email":{"work":"ada@example.com"}}`: "first@example.com", `{"email":7}`: "first@example.com", `null`: "first@example.com",
	} {
		kratos := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"identity":{"id":"1","traits":%s,"verifiable_addresses":[{"value":"first@example.com"}]}}`, traits)
		}))
		w := httptest.NewRecorder()
		selfservice.New(kratos.URL, kratos.URL).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/sessions", nil))
		kratos.Close()
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "<b>"+who+"</b>") {
			t.Errorf("%s: %d\n%s", traits, w.Code, w.Body)
		}
	}
}

// TestUnavailable: if Kratos is unavailable, a page says so.
func TestUnavailable(t *testing.T) {
	kratos := httptest.NewServer(http.NotFoundHandler())
	kratos.Close()
	ui := selfservice.New(kratos.URL, kratos.URL)
	for _, path := range []string{"/login?flow=1", "/error?id=1", "/sessions"} {
		w := httptest.NewRecorder()
		ui.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "Kratos did not respond") {
			t.Errorf("%s: %d\n%s", path, w.Code, w.Body)
		}
	}
}
