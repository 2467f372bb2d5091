package mail

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"invitebridge/bridge"
)

// headerCount is the number of header fields of every email.
const headerCount = 10

// hostileAddresses are no addresses, or more than one, or not in canonical form.
var hostileAddresses = []string{
	"", "ada", "@example.com", "ada@", "a@b@c",
	"ada@example.com\r\nBcc: eve@example.com", "ada@example.com\r\n bcc: eve@example.com", "ada@example.com\n", "ada\r\n @example.com",
	"ada@example.com,eve@example.com", "ada@example.com;eve@example.com", "ada@example.com eve@example.com",
	"Ada <ada@example.com>", "<ada@example.com>", "ada@example.com (Ada)", "(c)ada@example.com",
	`"ada"@example.com`, `"a b"@example.com`, `"<eve@example.com>"@example.com`, `a\@b@example.com`,
	"a@b> SIZE=1", "a@b>\r\nRCPT TO:<eve@example.com", "a@b\x00", "a@[127.0.0.1]", "u@münchen.de", "ädä@example.com",
	"a\u200bda@example.com", "ada@exam\u202eple.com", "\u212aate@example.com", "Ada@example.com", " ada@example.com",
}

// hostileNames try to inject headers, markup, template actions or invisible
// characters.
var hostileNames = append([]string{
	"{{.Link}}", "{{", "}}", `{{define "layout"}}x{{end}}`, "{{template \"layout\"}}", "${7*7}", "%s%n%!d",
	"<script>alert(1)</script>", "</title><script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "' onmouseover='alert(1)",
	"</bdi></p></td></tr></table><h1>New heading</h1>", "<!--", "--><b>", "&lt;script&gt;", "javascript:alert(1)", "<a href=javascript:alert(1)>x</a>",
	"https://evil.example/login", "HTTPS://evil.example", "www.evil.example",
	"Ada\r\nBcc: eve@example.com", "Ada\nX-Evil: 1\n\nbody", "Ada\r\n\r\n--boundary\r\n", "Ada\r\n.\r\nMAIL FROM:<eve@example.com>", ".", "..",
	"Ada\x00\x07\x1b[31m", "Ada\u0085x", "Ada\u2028x\u2029y", "\u202eecarG\u202c", "\u2066x\u2069", "a\u200bb\ufeffc\u00add\u2060e", "\U000e0041\U000e0042",
	"=?utf-8?Q?Evil=0D=0ABcc:_eve@example.com?=", "=?utf-8?B?RXZpbA==?=", "=?utf-8?q?=?=",
	"\xff\xfe", "\xc3", "\xed\xa0\x80", strings.Repeat("x", 100_000), strings.Repeat("ä ", 5000), strings.Repeat("a\u0301\u0302", 5000),
	"--", "--invitation-0197a3c2-1111-7000-8000-000000000001--", " ", "\u200d", "\u3164", "Grace\tHopper", "Łukasz", "山田太郎", "👩\u200d🚀", "می\u200cخواهم",
}, hostileAddresses...)

// hidden matches what no email may contain: control characters other than line
// ends, and characters that are invisible or change the writing direction, joiners
// excepted.
var hidden = regexp.MustCompile(`[\x00-\x09\x0b-\x1f\x7f-\x9f\x{00ad}\x{200b}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2060}-\x{206f}\x{feff}\x{e0000}-\x{e0fff}]`)

var markup = regexp.MustCompile(`<[^>]*>`)

// checkSanitized checks that an email from an inviter of that name differs from
// one by Grace in the name only.
func checkSanitized(t *testing.T, language, name string) {
	t.Helper()
	reference := withName("Grace Hopper")
	d := withName(name)
	reference.Payload.Data.Invitation.Locale, d.Payload.Data.Invitation.Locale = language, language
	if bridge.PersonName(name) == "" {
		reference.Payload.Data.Invitation.InviterName = ""
	}
	want, got := composed(t, reference), composed(t, d)

	if got.count != headerCount || strings.Count(string(got.raw), "\r\nTo: ") != 1 {
		t.Errorf("%q: %d headers, want %d", name, got.count, headerCount)
	}
	if got.header.Get("To") != want.header.Get("To") || got.header.Get("From") != want.header.Get("From") {
		t.Errorf("%q: to %q from %q", name, got.header.Get("To"), got.header.Get("From"))
	}
	for _, part := range []string{got.subject, got.text, got.html} {
		if hidden.MatchString(part) {
			t.Errorf("%q: hidden characters in %q", name, part)
		}
	}
	if strings.ContainsAny(got.subject, "\r\n") || len([]rune(got.subject)) > maxSubject {
		t.Errorf("%q: subject %q", name, got.subject)
	}
	if strings.Count(got.text, "\n") != strings.Count(want.text, "\n") {
		t.Errorf("%q: the text has other lines:\n%s", name, got.text)
	}
	// A name occurs in no tag except the label that repeats the subject.
	label := regexp.MustCompile(`aria-label="[^"]*"`)
	tags := func(page string) string {
		return fmt.Sprint(markup.FindAllString(label.ReplaceAllString(page, ""), -1))
	}
	if tags(got.html) != tags(want.html) {
		t.Errorf("%q: other markup:\n%s", name, got.html)
	}
	if shown := bridge.PersonName(name); !strings.Contains(got.text, shown) || !strings.Contains(html.UnescapeString(got.html), shown) {
		t.Errorf("%q is not shown as %q", name, shown)
	}
	if link := d.Payload.Data.Link; strings.Count(got.text, link) != 1 || strings.Contains(got.subject, link) {
		t.Errorf("%q: the link is in the text %d times", name, strings.Count(got.text, link))
	}
}

func TestHostileNames(t *testing.T) {
	for _, name := range hostileNames {
		checkSanitized(t, "en", name)
		checkSanitized(t, "de", name)
	}
}

// TestHostileNamesOverSMTP: the server receives one RCPT and a constant number of
// headers.
func TestHostileNamesOverSMTP(t *testing.T) {
	for _, name := range hostileNames {
		server := (&smtpd{noTLS: true}).start(t)
		m := newMailer(t, "smtp://"+server.addr+"/?disable_starttls=true", nil)
		d := withName(name)
		d.Payload.Data.Invitation.Locale = name
		if got := m.Send(t.Context(), d); got.Outcome != bridge.AttemptSent {
			t.Fatalf("%q: %+v", name, got)
		}
		got := server.only(t)
		if p := parse(t, got.data); p.count != headerCount || len(got.to) != 1 || got.to[0] != "ada@example.com" {
			t.Errorf("%q: to %q with %d headers", name, got.to, p.count)
		}
	}
}

func TestPersonName(t *testing.T) {
	for in, want := range map[string]string{
		"Grace Hopper":          "Grace Hopper",
		"  Grace\r\n\tHopper ":  "Grace Hopper",
		"\u202eecarG":           "ecarG",
		"grace@example.com":     "grace@example.com",
		"می\u200cخواهم":         "می\u200cخواهم",
		"👩\u200d🚀":              "👩\u200d🚀",
		"Node.js Team":          "Node.js Team",
		"\u200d \u3164":         "",
		strings.Repeat("ä", 65): strings.Repeat("ä", 63) + "…",
		strings.Repeat("ä", 64): strings.Repeat("ä", 64),
	} {
		if got := bridge.PersonName(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzEmail(f *testing.F) {
	for _, name := range hostileNames {
		f.Add(name, "de")
	}
	f.Fuzz(func(t *testing.T, name, locale string) {
		checkSanitized(t, locale, name)
		if shown := bridge.PersonName(name); strings.ContainsFunc(shown, unicode.IsControl) || len([]rune(shown)) > bridge.MaxPersonName {
			t.Errorf("%q is shown as %q", name, shown)
		}
	})
}
