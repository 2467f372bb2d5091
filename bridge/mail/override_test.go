package mail

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"invitebridge/bridge"
)

// overrides writes templates below a new directory.
func overrides(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func overridden(t *testing.T, files map[string]string) (*Mailer, error) {
	t.Helper()
	c := config("smtp://127.0.0.1:1/")
	c.TemplateOverridePath = overrides(t, files)
	return New(c)
}

func TestOverride(t *testing.T) {
	m, err := overridden(t, map[string]string{
		"invitation/email.subject.gotmpl":              "Welcome\n{{.InviterName}}",
		"invitation/de/email.subject.gotmpl":           "Willkommen {{.Email}}",
		"invitation/email.body.gotmpl":                 `<p title="{{.InviterName}}">{{.InviterName}} {{.Link}} {{.Locale}} {{.Subject}} {{.ExpiresAt.Year}}</p>`,
		"invitation/fr_FR/email.subject.gotmpl":        `Bienvenue`,
		"invitation/fr_FR/email.expiry.gotmpl":         `{{define "in"}}dans {{.Count}} {{.Unit}}{{end}}{{define "on"}}le {{.Day}}{{end}}`,
		"invitation/fr_FR/email.body.plaintext.gotmpl": `{{.Link}} {{.ExpiresIn}} {{.ExpiresOn}}`,
		"invitation/..data/email.nonsense.gotmpl":      `{{`, // a ConfigMap's folder
		"invitation/sms.body.gotmpl":                   `{{`, // not ours
		"recovery_code/valid/email.body.gotmpl":        `{{`, // Kratos'
	})
	if err != nil {
		t.Fatal(err)
	}
	for locale, want := range map[string]struct{ subject, text, html string }{
		"en":    {"Welcome <b>", "Hello,", `<p title="&lt;b&gt;">&lt;b&gt; https://`},
		"de-AT": {"Willkommen ada@example.com", "Guten Tag,", " de-AT Willkommen ada@example.com 2030</p>"},
		"fr-FR": {"Bienvenue", " dans 2 day le 5", " fr-FR Bienvenue 2030</p>"},
		"fr-CA": {"Welcome <b>", "Hello,", " fr-CA Welcome &lt;b&gt; 2030</p>"},
	} {
		d := withName("<b>")
		d.Payload.Data.Invitation.Locale = locale
		raw, err := m.compose(d)
		if err != nil {
			t.Fatal(err)
		}
		p := parse(t, raw)
		if p.subject != want.subject || !strings.Contains(p.text, want.text) || !strings.Contains(p.html, want.html) {
			t.Errorf("%s: got %q\n%s\n%s", locale, p.subject, p.text, p.html)
		}
	}
}

// TestOverrideOfWords: the built-in layout can be kept, and its texts replaced.
func TestOverrideOfWords(t *testing.T) {
	body, err := builtIn.ReadFile("templates/invitation/en/email.body.gotmpl")
	if err != nil {
		t.Fatal(err)
	}
	m, err := overridden(t, map[string]string{
		"invitation/email.body.gotmpl": strings.Replace(string(body), "You are invited", "Come in", 1),
	})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := m.compose(invitation())
	if err != nil {
		t.Fatal(err)
	}
	if page := parse(t, raw).html; !strings.Contains(page, ">Come in</h1>") {
		t.Error(page)
	}
}

func TestBrokenOverride(t *testing.T) {
	const fine = "{{.Link}}"
	for name, test := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"syntax":             {map[string]string{"invitation/email.body.gotmpl": "{{if}}"}, []string{"email.body.gotmpl:1"}},
		"html context":       {map[string]string{"invitation/email.body.gotmpl": `<a href="{{if .Link}}'{{else}}"{{end}}>{{.Link}}`}, []string{"email.body.gotmpl"}},
		"unknown field":      {map[string]string{"invitation/email.body.plaintext.gotmpl": fine + "\n{{.Nonsense}}"}, []string{"email.body.plaintext.gotmpl:2", "Nonsense"}},
		"unknown, with name": {map[string]string{"invitation/email.body.plaintext.gotmpl": fine + "{{if .InviterName}}{{.Nonsense}}{{end}}"}, []string{"Nonsense"}},
		"unknown, no name":   {map[string]string{"invitation/email.body.plaintext.gotmpl": fine + "{{if not .InviterName}}{{.Nonsense}}{{end}}"}, []string{"Nonsense"}},
		"unknown function":   {map[string]string{"invitation/email.subject.gotmpl": "{{.Email | sha256sum}}"}, []string{"sha256sum"}},
		"unknown template":   {map[string]string{"invitation/email.body.gotmpl": `{{template "nonsense" .}}`}, []string{"nonsense"}},
		"link in subject":    {map[string]string{"invitation/email.subject.gotmpl": "{{.Link}}"}, []string{"email.subject.gotmpl:1", "Link"}},
		"empty subject":      {map[string]string{"invitation/email.subject.gotmpl": "{{.InviterName}}"}, []string{"gives an empty subject"}},
		"text lacks link":    {map[string]string{"invitation/email.body.plaintext.gotmpl": "Hello"}, []string{"email.body.plaintext.gotmpl does not show {{.Link}}"}},
		"HTML lacks link":    {map[string]string{"invitation/email.body.gotmpl": "Hello"}, []string{"email.body.gotmpl does not show {{.Link}}"}},
		"expiry lacks on":    {map[string]string{"invitation/email.expiry.gotmpl": `{{define "in"}}x{{end}}`}, []string{`email.expiry.gotmpl does not define "on"`}},
		"expiry lacks words": {map[string]string{"invitation/email.expiry.gotmpl": `{{define "in"}}x{{end}}{{define "on"}}{{pick .Weekday "So" "Mo"}}{{end}}`}, []string{"pick: no word at that place among 2"}},
		"time without zone":  {map[string]string{"invitation/email.expiry.gotmpl": `{{define "in"}}x{{end}}{{define "on"}}{{.Day}} {{.Clock}} UTC{{end}}`}, []string{"email.expiry.gotmpl shows {{.Clock}} and not its {{.Zone}}"}},
		"trait by name":      {map[string]string{"invitation/email.subject.gotmpl": `Hello {{.Traits.department}}`}, []string{"department"}},
		"misspelt file":      {map[string]string{"invitation/email.body.txt.gotmpl": fine}, []string{"email.body.txt.gotmpl has a name that is not used"}},
		"misspelt in folder": {map[string]string{"invitation/de/email.bodi.gotmpl": fine}, []string{"email.bodi.gotmpl has a name that is not used"}},
		"no language":        {map[string]string{"invitation/valid/email.body.gotmpl": fine}, []string{"valid is not named as a language"}},
		"twice":              {map[string]string{"invitation/de-AT/email.body.gotmpl": fine, "invitation/de_at/email.body.gotmpl": fine}, []string{"second folder of its language"}},
		"incomplete":         {map[string]string{"invitation/fr/email.body.gotmpl": fine}, []string{"fr lacks email.subject.gotmpl", "fr lacks email.body.plaintext.gotmpl", "fr lacks email.expiry.gotmpl"}},
		"a folder as file":   {map[string]string{"invitation/email.body.gotmpl/x": fine}, []string{"email.body.gotmpl"}},
		"no invitation":      {map[string]string{"recovery/email.body.gotmpl": fine}, []string{"invitation cannot be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := overridden(t, test.files)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if strings.Count(err.Error(), want) < 1 {
					t.Errorf("got %v, want %q", err, want)
				}
			}
			seen := map[string]bool{}
			for line := range strings.Lines(err.Error() + "\n") {
				if seen[line] {
					t.Errorf("said twice: %s", line)
				}
				seen[line] = true
			}
		})
	}
	c := config("smtp://127.0.0.1/")
	c.TemplateOverridePath = filepath.Join(t.TempDir(), "missing")
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("missing directory: %v", err)
	}
}

// TestFailsWhenSent: a template that the samples did not break is given up with
// a detail that holds no secret.
func TestFailsWhenSent(t *testing.T) {
	m, err := overridden(t, map[string]string{
		"invitation/email.body.plaintext.gotmpl": `{{.Link}}{{if eq .InviterName "Grace Hopper"}}{{call .Link}}{{index (slice .Link 2) .Link}}{{end}}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	got := m.Send(t.Context(), invitation())
	want(t, got, bridge.Failed, 0, "email.body.plaintext.gotmpl:1")
}

// TestSpeaks: a locale is known if its own language has texts, built in or a
// team's.
func TestSpeaks(t *testing.T) {
	m, err := overridden(t, map[string]string{
		"invitation/fr_FR/email.subject.gotmpl":        "Bienvenue",
		"invitation/fr_FR/email.body.gotmpl":           "<p>{{.Link}}</p>",
		"invitation/fr_FR/email.body.plaintext.gotmpl": "{{.Link}}",
		"invitation/fr_FR/email.expiry.gotmpl":         `{{define "in"}}{{.Count}}{{end}}{{define "on"}}{{.Day}}{{end}}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	for locale, want := range map[string]bool{
		"en": true, "EN-gb": true, "de_DE.UTF-8": true, "de-AT,en;q=0.8": true, "fr-FR": true, "fr-fr-x": true,
		"fr": false, "it": false, "it,en": false, "e": false, "english": false, "": false,
	} {
		known, languages := m.Speaks(locale)
		if known != want || strings.Join(languages, " ") != "de en fr-fr" {
			t.Errorf("%q: %v, %q", locale, known, languages)
		}
	}
}
