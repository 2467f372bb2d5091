package page_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"invitebridge/bridge"
	"invitebridge/bridge/page"
)

var hostile = []string{
	"{{.Style}}", "{{", "<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "javascript:alert(1)", "JavaScript://x/%0aalert(1)",
	"</style><script>", "</title><h1>x</h1>", "<!--", "' autofocus onfocus=alert(1) x='", "data://x/,<script>alert(1)</script>", "\u202egnp.exe", "\x00\xff",
}

// shape returns a document's elements and attributes without their content.
func shape(root *html.Node) string {
	var b strings.Builder
	each(root, func(n *html.Node) {
		if n.Type == html.TextNode {
			return
		}
		b.WriteString("<" + n.Data)
		for _, a := range n.Attr {
			b.WriteString(" " + a.Key)
		}
		b.WriteString(">\n")
	})
	return b.String()
}

// withAll returns an input in which every text is s.
// withAll returns an input in which every text is s.
// withAll returns an input in which every text is s.
func withAll(screen page.Screen, s, link string) page.Input {
	v := full(screen)
	v.Email, v.InviterName, v.RequestID, v.ContinueURL, v.Redirect = s, s, s, link, true
	problem := *bridge.ErrHookRefused
	problem.Messages = []bridge.UIText{{ID: 1, Text: s}}
	v.Problem = &problem
	return v
}

// TestRender_hostile: no input changes the elements and attributes of the
// document.
func TestRender_hostile(t *testing.T) {
	for _, s := range hostile {
		p := newPage(t, page.Config{Title: s})
		for _, screen := range page.Screens() {
			harmless := withAll(screen, "x", "")
			if bridge.PersonName(s) == "" {
				harmless.InviterName = "" // such a name is not shown
			}
			_, want := render(t, newPage(t, page.Config{Title: "x"}), "en", harmless)
			_, got := render(t, p, "en", withAll(screen, s, s))
			if shape(got) != shape(want) {
				t.Errorf("%s, %q: got\n%s\nwant\n%s", screen, s, shape(got), shape(want))
			}
			if screen == page.ScreenForm && s != "\x00\xff" && attr(find(got, "input")[0], "value") != s {
				t.Errorf("%q became %q", s, attr(find(got, "input")[0], "value"))
			}
		}
	}
}

// TestRender_appLink: invitees can be sent to an app by its own scheme.
func TestRender_appLink(t *testing.T) {
	_, root := render(t, newPage(t, page.Config{}), "", withAll(page.ScreenAccepted, "x", "acme://welcome"))
	if href := attr(one(t, one(t, root, "main"), "a"), "href"); href != "acme://welcome" {
		t.Errorf("the link is %q", href)
	}
}

func FuzzRender(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, s, "https://example.com/"+s)
	}
	p := newPage(f, page.Config{Title: "x"})
	shapes := map[page.Screen][2]string{}
	for _, screen := range page.Screens() {
		_, without := render(f, p, "en", withAll(screen, "x", ""))
		_, with := render(f, p, "en", withAll(screen, "x", "https://example.com"))
		shapes[screen] = [2]string{shape(without), shape(with)}
	}
	f.Fuzz(func(t *testing.T, accepted, s, link string) {
		if _, err := p.Render(accepted, s, full(page.ScreenForm)); err != nil {
			t.Fatal(err)
		}
		for _, screen := range page.Screens() {
			v := withAll(screen, "x"+s, link)
			if bridge.PersonName(v.InviterName) == "" {
				v.InviterName = "x"
			}
			_, root := render(t, p, "en", v)
			if got := shape(root); got != shapes[screen][0] && got != shapes[screen][1] {
				t.Errorf("%s has the shape\n%s", screen, got)
			}
			for _, a := range find(root, "a") {
				if scheme, _, _ := strings.Cut(strings.ToLower(attr(a, "href")), ":"); scheme == "javascript" || scheme == "data" || scheme == "vbscript" {
					t.Errorf("a link to %q", attr(a, "href"))
				}
			}
		}
	})
}

// TestRender_appLinkForms: app schemes may be reversed domain names, with or
// without a host.
func TestRender_appLinkForms(t *testing.T) {
	for _, link := range []string{"com.example.app:/cb?a=1", "myapp://callback"} {
		_, root := render(t, newPage(t, page.Config{}), "en", page.Input{Screen: page.ScreenAccepted, ContinueURL: link})
		var found []string
		each(root, func(n *html.Node) {
			if href := attr(n, "href"); n.Data == "a" {
				found = append(found, href)
			}
		})
		if len(found) != 1 || found[0] != link {
			t.Errorf("links %q, want one to %s", found, link)
		}
	}
}
