package mail

import (
	"flag"
	"html"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"invitebridge/bridge"
)

var rewrite = flag.Bool("update", false, "rewrite the golden files")

// TestGolden pins what leaves the process: the whole email, and its two parts
// decoded.
func TestGolden(t *testing.T) {
	for _, language := range languages(t) {
		d := invitation()
		d.Payload.Data.Invitation.Locale = language
		p := composed(t, d)
		golden(t, language+".eml", string(p.raw))
		golden(t, language+".txt", p.text)
		golden(t, language+".html", p.html)
		d.Payload.Data.Invitation.InviterName = ""
		golden(t, language+".no-inviter.txt", composed(t, d).text)

		d = reminder()
		d.Payload.Data.Invitation.Locale = language
		p = composed(t, d)
		golden(t, language+".reminder.eml", string(p.raw))
		golden(t, language+".reminder.txt", p.text)
		golden(t, language+".reminder.html", p.html)
		d.Payload.Data.Invitation.InviterName = ""
		golden(t, language+".reminder.no-inviter.txt", composed(t, d).text)
	}
}

// languages returns the built-in languages.
func languages(t *testing.T) (tags []string) {
	t.Helper()
	entries, err := builtIn.ReadDir("templates/invitation")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.IsDir() {
			tags = append(tags, entry.Name())
		}
	}
	return tags
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestHeaders(t *testing.T) {
	p := composed(t, invitation())
	for name, want := range map[string]string{
		"From":                     `"Acme" <invitations@acme.example>`,
		"To":                       "<ada@example.com>",
		"Subject":                  "Grace Hopper has invited you to create your account",
		"Date":                     "Sun, 03 Mar 2030 14:00:00 +0000",
		"Message-Id":               "<0197a3c2-1111-7000-8000-000000000001@acme.example>",
		"Mime-Version":             "1.0",
		"Content-Language":         "en",
		"Auto-Submitted":           "auto-generated",
		"X-Auto-Response-Suppress": "OOF, AutoReply",
	} {
		if got := p.header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if p.count != headerCount {
		t.Errorf("%d headers, want %d", p.count, headerCount)
	}
	if to, err := mail.ParseAddressList(p.header.Get("To")); err != nil || len(to) != 1 {
		t.Errorf("To is %v, %v", to, err)
	}
	for line := range strings.Lines(string(p.raw)) {
		if len(line) > 78 || !strings.HasSuffix(line, "\r\n") {
			t.Errorf("line %q", line)
		}
	}
}

// TestMessageID: all attempts of one message share the Message-ID; other messages
// have others.
func TestMessageID(t *testing.T) {
	first, second, other := invitation(), invitation(), invitation()
	second.Attempt, second.At = 2, sentAt.Add(5*time.Minute)
	second.Payload.Data.Link += "&another=token"
	other.MessageID = uuid.MustParse("0197a3c2-1111-7000-8000-000000000009")
	id := func(p parsedEmail) string { return p.header.Get("Message-Id") }
	if a, b := id(composed(t, first)), id(composed(t, second)); a != b {
		t.Errorf("attempts have %s and %s", a, b)
	}
	if a, b := id(composed(t, first)), id(composed(t, other)); a == b {
		t.Errorf("two messages have %s", a)
	}
}

func TestLink(t *testing.T) {
	for _, language := range languages(t) {
		testLink(t, language, invitation())
		testLink(t, language, reminder())
	}
}

func testLink(t *testing.T, language string, d bridge.Dispatch) {
	t.Helper()
	d.Payload.Data.Invitation.Locale = language
	p, link := composed(t, d), d.Payload.Data.Link
	if !strings.Contains(p.text, "\n"+link+"\n") {
		t.Errorf("%s: no line of the text is the link:\n%s", language, p.text)
	}
	if got := hrefs(p.html); cmp.Diff([]string{link, link}, got) != "" {
		t.Errorf("%s: links go to %q, want %q", language, got, link)
	}
	if !strings.Contains(html.UnescapeString(p.html), ">"+link+"</a>") {
		t.Errorf("%s: the link is not shown as text", language)
	}
	for name, values := range p.header {
		if strings.Contains(strings.Join(values, " "), canaryToken) {
			t.Errorf("%s: the token is in %s", language, name)
		}
	}
}

// hrefs returns the targets of the links of a page.
func hrefs(page string) []string {
	var found []string
	for _, rest := range strings.Split(page, `href="`)[1:] {
		target, _, _ := strings.Cut(rest, `"`)
		found = append(found, html.UnescapeString(target))
	}
	return found
}

// TestSelfContained: an email loads nothing and so cannot track its reader.
func TestSelfContained(t *testing.T) {
	page := composed(t, invitation()).html
	for _, banned := range []string{"<img", "<script", "<link", "<iframe", "<form", "<object", "src=", "url(", "@import", "http-equiv", "srcset"} {
		if strings.Contains(page, banned) {
			t.Errorf("found %s", banned)
		}
	}
	for _, needed := range []string{`<html lang="en"`, "<h1", `name="color-scheme"`, "prefers-color-scheme: dark", `name="viewport"`} {
		if !strings.Contains(page, needed) {
			t.Errorf("lacks %s", needed)
		}
	}
	if strings.Count(page, "<table") != strings.Count(page, `role="presentation"`) {
		t.Error("a layout table lacks role=presentation")
	}
}
