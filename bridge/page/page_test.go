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

// full is a view with all that its sight can show.
func full(sight page.Sight) page.View {
	return page.View{
		Sight: sight, Email: "jo@example.com", InviterName: "Sam Doe",
		ExpiresAt: time.Date(2026, 3, 9, 23, 5, 0, 0, time.FixedZone("", 3600)),
		Policy:    bridge.PasswordPolicy{MinLength: 12, CheckSimilarity: true},
		From:      time.Date(2026, 3, 9, 23, 5, 0, 1, time.FixedZone("", 3600)),
		Renewable: true, ContinueURL: "https://app.example.com/login?a=1&b=2", RequestID: "req-77",
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

func render(t testing.TB, p *page.Page, accepted string, v page.View) (page.Document, *html.Node) {
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
	for _, language := range []string{"en", "de"} {
		for _, sight := range page.Sights() {
			t.Run(language+"/"+string(sight), func(t *testing.T) {
				v := full(sight)
				v.Problem = bridge.ErrTooMany
				doc, root := render(t, p, language, v)
				if doc.Language != language || attr(one(t, root, "html"), "lang") != language {
					t.Errorf("the language is %s, and of the document %s", doc.Language, attr(one(t, root, "html"), "lang"))
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
					t.Error("nothing is said below the heading")
				}
				footer := find(one(t, root, "footer"), "a")
				if len(footer) != 1 || attr(footer[0], "href") != "mailto:help@acme.example" {
					t.Errorf("support: %s", text(one(t, root, "footer")))
				}
				if got := len(find(root, "input")); (got == 2) != (sight == page.SightForm) {
					t.Errorf("%d inputs", got)
				}
				for _, form := range find(root, "form") {
					if attr(form, "method") != "post" || has(form, "action") {
						t.Error("the form does not post to its own address")
					}
				}
				uniqueIDs(t, root)
			})
		}
	}
}

// What the page has inside it must be just what its policy lets it have.
func TestRender_policy(t *testing.T) {
	css := write(t, "own.css", "h1 {\r\n  color: red }\r\n")
	doc, root := render(t, newPage(t, page.Config{CSSPath: css}), "", full(page.SightForm))
	want := "default-src 'none'; style-src '" + hash(text(one(t, root, "style"))) + "'; script-src '" +
		hash(text(one(t, root, "script"))) + "'; img-src data:; connect-src 'self'; form-action 'self'; " +
		"base-uri 'none'; frame-ancestors 'none'"
	if doc.ContentSecurityPolicy != want {
		t.Errorf("got  %s\nwant %s", doc.ContentSecurityPolicy, want)
	}
	if !strings.HasSuffix(text(one(t, root, "style")), "color: red }\n") {
		t.Error("the team's style is not the last")
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
	_, root := render(t, newPage(t, page.Config{}), "en", full(page.SightForm))
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
	_, root = render(t, newPage(t, page.Config{}), "de", full(page.SightForm))
	if when := text(one(t, root, "time")); when != "Montag, 9.\u00a0März 2026, 22:05\u00a0Uhr\u00a0(UTC)" {
		t.Errorf("until %s", when)
	}
}

// An invitation that can be accepted later says from when on, not a moment
// before.
func TestRender_early(t *testing.T) {
	for language, want := range map[string]string{"en": "after Monday, 9\u00a0March 2026, 22:06\u00a0UTC.", "de": "ab Montag, 9.\u00a0März 2026, 22:06\u00a0Uhr\u00a0(UTC) an"} {
		_, root := render(t, newPage(t, page.Config{}), language, full(page.SightEarly))
		if said := text(one(t, root, "main")); !strings.Contains(said, want) {
			t.Errorf("%s: %s", language, said)
		}
	}
}

// A form without an inviter, an end and rules has no gaps in its words.
func TestRender_least(t *testing.T) {
	_, root := render(t, newPage(t, page.Config{}), "en", page.View{Sight: page.SightForm, Email: "jo@example.com"})
	if len(find(root, "bdi")) != 0 || len(find(root, "time")) != 0 || len(find(root, "footer")) != 0 || len(find(root, "li")) != 1 {
		t.Errorf("main: %s", text(one(t, root, "main")))
	}
}

func TestRender_ways(t *testing.T) {
	p := newPage(t, page.Config{})
	for _, sight := range page.Sights() {
		v := full(sight)
		v.Redirect = true
		_, root := render(t, p, "", v)
		ends := sight == page.SightAccepted || sight == page.SightDone || sight == page.SightUnknown
		links := find(one(t, root, "main"), "a")
		if ends != (len(links) == 1) || ends && (attr(links[0], "href") != v.ContinueURL || attr(links[0], "rel") != "noreferrer") {
			t.Errorf("%s has %d links", sight, len(links))
		}
		refresh := ""
		for _, meta := range find(root, "meta") {
			if attr(meta, "http-equiv") == "refresh" {
				refresh = attr(meta, "content")
			}
		}
		if want := "0;url=" + v.ContinueURL; sight == page.SightAccepted && refresh != want || sight != page.SightAccepted && refresh != "" {
			t.Errorf("%s leads to %q", sight, refresh)
		}
		renew := false
		for _, b := range find(root, "button") {
			renew = renew || attr(b, "name") == "renew" && attr(b, "value") == "1"
		}
		if renew != (sight == page.SightExpired) {
			t.Errorf("%s has a button for a new link: %v", sight, renew)
		}
	}
	for _, c := range []struct {
		title, place, want string
		sight              page.Sight
	}{
		{"Acme", "id.example.com", "You can sign in now at Acme, ", page.SightAccepted},
		{"", "id.example.com", "You can sign in now at id.example.com, ", page.SightDone},
		{"", "", "Your password is set.", page.SightAccepted},
		{"Acme", "id.example.com", "Please check that the link", page.SightUnknown},
	} {
		_, root := render(t, newPage(t, page.Config{Title: c.title}), "en", page.View{Sight: c.sight, Place: c.place})
		if said := text(one(t, root, "main")); !strings.Contains(said, c.want) || len(find(root, "a")) != 0 {
			t.Errorf("%s without a way on: %s", c.sight, said)
		}
	}
	_, root := render(t, p, "", page.View{Sight: page.SightExpired})
	if len(find(root, "button")) != 0 {
		t.Error("a link that cannot be renewed has the button")
	}
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
