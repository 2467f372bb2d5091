package mail

import (
	"fmt"
	"mime"
	"strings"
	"testing"

	"invitebridge/bridge"
)

// subjectLines returns the lines of the Subject field as sent.
func subjectLines(t *testing.T, raw []byte) []string {
	t.Helper()
	_, field, found := strings.Cut("\r\n"+string(raw), "\r\nSubject:")
	if !found {
		t.Fatalf("no subject in\n%s", raw)
	}
	lines := strings.Split("Subject:"+field, "\r\n")
	n := 1
	for strings.HasPrefix(lines[n], " ") {
		n++
	}
	return lines[:n]
}

// checkSubject composes an email and decodes its subject as a mail program does.
func checkSubject(t *testing.T, m *Mailer, d bridge.Dispatch, want string) {
	t.Helper()
	raw, err := m.compose(new(workspace), d)
	if err != nil {
		t.Fatal(err)
	}
	lines := subjectLines(t, raw)
	first := strings.TrimPrefix(lines[0], "Subject:")
	if shown, err := new(mime.WordDecoder).DecodeHeader(first); err != nil || strings.TrimSpace(shown) == "" {
		t.Errorf("%q begins with the line %q", want, lines[0])
	}
	for _, line := range lines {
		if len(line) > 76 || strings.TrimSpace(line) == "" {
			t.Errorf("%q has the line %q of %d characters", want, line, len(line))
		}
	}
	for word := range strings.FieldsSeq(strings.Join(lines, "")) {
		if strings.HasPrefix(word, "=?") && len(word) > 75 {
			t.Errorf("%q has the encoded word %q", want, word)
		}
	}
	if got := parse(t, raw).subject; got != want {
		t.Errorf("%q is read as %q", want, got)
	}
}

func TestSubjectIsFolded(t *testing.T) {
	builtin, err := offlineMailer()
	if err != nil {
		t.Fatal(err)
	}
	bare, err := overridden(t, map[string]string{"invitation/email.subject.gotmpl": `{{or .InviterName "You"}}`})
	if err != nil {
		t.Fatal(err)
	}
	long, err := overridden(t, map[string]string{"invitation/email.subject.gotmpl": `{{or .InviterName "You"}}{{.InviterName}}{{.InviterName}}`})
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"Grace Hopper", "Zoë Müller-Lüdenscheidt", "山田 太郎", "Владимир", "Ä", "A", "?", "_=?", "=?utf-8?q?x?=", "👩\u200d🚀 Ada", "äxxxxxx", "xxäxxxxxx =C3=A4xxxxxx"}
	for n := 1; n <= 64; n++ {
		for _, unit := range []string{"x", "ü", "山", "🚀", "a ", "Müller "} {
			names = append(names, bridge.PersonName(strings.Repeat(unit, n)), bridge.PersonName(strings.Repeat("x", n)+" ü "+unit), bridge.PersonName(strings.Repeat("x", n)+unit+" y"))
		}
	}
	for _, name := range names {
		d := withName(name)
		name = strings.ReplaceAll(name, "=?", "= ?")
		checkSubject(t, builtin, d, name+" has invited you to create your account")
		checkSubject(t, bare, d, name)
		checkSubject(t, long, d, bridge.Truncate(name+name+name, maxSubject))
		d.Payload.Data.Invitation.Locale = "de"
		checkSubject(t, builtin, d, fmt.Sprintf("%s lädt Sie ein, Ihr Konto anzulegen", name))
	}
}
