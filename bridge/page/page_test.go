package page_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"invitebridge/bridge"
	"invitebridge/bridge/page"
)

// full returns an input with everything that a screen can show.
func full(screen page.Screen) page.Input {
	return page.Input{
		Screen: screen, Email: "jo@example.com", InviterName: "Sam Doe",
		ExpiresAt: time.Date(2026, 3, 9, 23, 5, 0, 0, time.FixedZone("", 3600)),
		Policy:    bridge.PasswordPolicy{MinLength: 12, CheckSimilarity: true},
		From:      time.Date(2026, 3, 9, 23, 5, 0, 1, time.FixedZone("", 3600)),
		Renewable: true, ContinueURL: "https://app.example.com/login?a=1&b=2", RequestID: "req-77",
		Recovery: page.Recovery{URL: "https://app.example.com/login?a=1&b=2", Code: "824153"},
	}
}

func newPage(t testing.TB, config page.Config) *page.Page {
	t.Helper()
	p, err := page.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func render(t testing.TB, p *page.Page, accepted string, v page.Input) (page.Document, *html.Node) {
	t.Helper()
	doc, err := p.Render(accepted, "", v)
	if err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(bytes.NewReader(doc.HTML))
	if err != nil {
		t.Fatal(err)
	}
	return doc, root
}

func TestRender(t *testing.T) {
	p := newPage(t, page.Config{Title: "Acme", SupportAddress: "help@acme.example"})
	for _, language := range languages(t) {
		for _, screen := range page.Screens() {
			t.Run(language+"/"+string(screen), func(t *testing.T) {
				v := full(screen)
				v.Problem = bridge.ErrTooManyRequests
				doc, root := render(t, p, language, v)
				if doc.Language != language || attr(one(t, root, "html"), "lang") != language {
					t.Errorf("language %s, lang attribute %s, want %s", doc.Language, attr(one(t, root, "html"), "lang"), language)
				}
				main := one(t, root, "main")
				if h1 := one(t, root, "h1"); text(h1) == "" || h1.Parent != main {
					t.Errorf("the heading %q is not in main", text(h1))
				}
				if title := text(one(t, root, "title")); !strings.HasSuffix(title, " – Acme") {
					t.Errorf("title: %s", title)
				}
				if n := len(doc.HTML); n > 30_000 {
					t.Errorf("%d bytes", n)
				}
				if !strings.Contains(text(main), text(find(main, "p")[0])) || text(find(main, "p")[0]) == "" {
					t.Error("there is no text below the heading")
				}
				footer := find(one(t, root, "footer"), "a")
				if len(footer) != 1 || attr(footer[0], "href") != "mailto:help@acme.example" {
					t.Errorf("support: %s", text(one(t, root, "footer")))
				}
				if got := len(find(root, "input")); (got == 2) != (screen == page.ScreenForm) {
					t.Errorf("%d inputs", got)
				}
				for _, form := range find(root, "form") {
					if attr(form, "method") != "post" || has(form, "action") {
						t.Error("the form does not post to its own URL")
					}
				}
				uniqueIDs(t, root)
			})
		}
	}
}

// TestRender_policy: the content security policy allows exactly the style and the
// script of the page.
func TestRender_policy(t *testing.T) {
	css := write(t, "own.css", "h1 {\r\n  color: red }\r\n")
	doc, root := render(t, newPage(t, page.Config{CSSPath: css}), "", full(page.ScreenForm))
	want := "default-src 'none'; style-src '" + hash(text(one(t, root, "style"))) + "'; script-src '" +
		hash(text(one(t, root, "script"))) + "'; img-src data:; connect-src 'self'; form-action 'self'; " +
		"base-uri 'none'; frame-ancestors 'none'"
	if doc.ContentSecurityPolicy != want {
		t.Errorf("got  %s\nwant %s", doc.ContentSecurityPolicy, want)
	}
	if !strings.HasSuffix(text(one(t, root, "style")), "color: red }\n") {
		t.Error("the custom style is not last")
	}
	each(root, func(n *html.Node) {
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s> has %s", n.Data, a.Key)
			}
		}
	})
}

func TestRender_form(t *testing.T) {
	_, root := render(t, newPage(t, page.Config{}), "en", full(page.ScreenForm))
	inputs := find(root, "input")
	account, password := inputs[0], inputs[1]
	if attr(account, "value") != "jo@example.com" || !has(account, "readonly") || attr(account, "autocomplete") != "username" {
		t.Errorf("account: %v", account.Attr)
	}
	if attr(password, "autocomplete") != "new-password" || !has(password, "required") || has(password, "value") ||
		has(password, "autofocus") || has(password, "aria-invalid") || attr(password, "aria-describedby") != "rules" {
		t.Errorf("password: %v", password.Attr)
	}
	if when := one(t, root, "time"); attr(when, "datetime") != "2026-03-09T22:05:00Z" || text(when) != "Monday, 9\u00a0March 2026, 22:05\u00a0UTC" {
		t.Errorf("until %s, %s", attr(when, "datetime"), text(when))
	}
	if who := one(t, root, "bdi"); text(who) != "Sam Doe" {
		t.Errorf("who: %s", text(who))
	}
	if rules := find(root, "li"); len(rules) != 3 || text(rules[0]) != "At least 12 characters" || !has(rules[2], "hidden") {
		t.Errorf("rules: %s", text(one(t, root, "ul")))
	}
	_, root = render(t, newPage(t, page.Config{}), "de", full(page.ScreenForm))
	if when := text(one(t, root, "time")); when != "Montag, 9.\u00a0März 2026, 22:05\u00a0Uhr\u00a0(UTC)" {
		t.Errorf("until %s", when)
	}
}

// TestRender_early: the time from which an invitation can be accepted is rounded
// up to the minute.
func TestRender_early(t *testing.T) {
	for language, want := range map[string]string{"en": "after Monday, 9\u00a0March 2026, 22:06\u00a0UTC.", "de": "ab Montag, 9.\u00a0März 2026, 22:06\u00a0Uhr\u00a0(UTC) an"} {
		_, root := render(t, newPage(t, page.Config{}), language, full(page.ScreenEarly))
		if got := text(one(t, root, "main")); !strings.Contains(got, want) {
			t.Errorf("%s: %s", language, got)
		}
	}
}

// TestRender_minimal: a form without an inviter, an expiry and rules leaves no
// empty elements.
func TestRender_minimal(t *testing.T) {
	_, root := render(t, newPage(t, page.Config{}), "en", page.Input{Screen: page.ScreenForm, Email: "jo@example.com"})
	if len(find(root, "bdi")) != 0 || len(find(root, "time")) != 0 || len(find(root, "footer")) != 0 || len(find(root, "li")) != 1 {
		t.Errorf("main: %s", text(one(t, root, "main")))
	}
}

// TestRender_nextStep: screens with a next step link to it, only the accepted
// screen redirects, and only the expired one offers a new link.
func TestRender_nextStep(t *testing.T) {
	p := newPage(t, page.Config{})
	for _, screen := range page.Screens() {
		v := full(screen)
		v.Redirect = true
		_, root := render(t, p, "", v)
		ends := screen == page.ScreenAccepted || screen == page.ScreenRecover || screen == page.ScreenDone || screen == page.ScreenUnknown ||
			screen == page.ScreenContinue // to the page where the code is entered
		links := find(one(t, root, "main"), "a")
		if ends != (len(links) == 1) || ends && (attr(links[0], "href") != v.ContinueURL || attr(links[0], "rel") != "noreferrer") {
			t.Errorf("%s has %d links", screen, len(links))
		}
		refresh := ""
		for _, meta := range find(root, "meta") {
			if attr(meta, "http-equiv") == "refresh" {
				refresh = attr(meta, "content")
			}
		}
		if want := "0;url=" + v.ContinueURL; screen == page.ScreenAccepted && refresh != want || screen != page.ScreenAccepted && refresh != "" {
			t.Errorf("%s redirects to %q", screen, refresh)
		}
		renew := false
		for _, b := range find(root, "button") {
			renew = renew || attr(b, "name") == "renew" && attr(b, "value") == "1"
		}
		if renew != (screen == page.ScreenExpired) {
			t.Errorf("%s has a button for a new link: %v", screen, renew)
		}
	}
	for _, c := range []struct {
		title, place, want string
		screen             page.Screen
	}{
		{"Acme", "id.example.com", "You can sign in now at Acme, ", page.ScreenAccepted},
		{"", "id.example.com", "You can sign in now at id.example.com, ", page.ScreenDone},
		{"", "", "Your password is set.", page.ScreenAccepted},
		{"Acme", "id.example.com", "Please check that the link", page.ScreenUnknown},
	} {
		_, root := render(t, newPage(t, page.Config{Title: c.title}), "en", page.Input{Screen: c.screen, Place: c.place})
		if got := text(one(t, root, "main")); !strings.Contains(got, c.want) || len(find(root, "a")) != 0 {
			t.Errorf("%s without a next step: %s", c.screen, got)
		}
	}
	_, root := render(t, p, "", page.Input{Screen: page.ScreenExpired})
	if len(find(root, "button")) != 0 {
		t.Error("the button is shown although the invitation cannot be renewed")
	}
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
