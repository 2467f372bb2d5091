package mail

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
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

// overridden returns a Mailer with these templates.
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
		"invitation/la_VA/email.subject.gotmpl":        `Salve`,
		"invitation/la_VA/email.expiry.gotmpl":         `{{define "in"}}intra {{.Count}} {{.Unit}}{{end}}{{define "on"}}die {{.Day}}{{end}}`,
		"invitation/la_VA/email.body.plaintext.gotmpl": `{{.Link}} {{.ExpiresIn}} {{.ExpiresOn}}`,
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
		"la-VA": {"Salve", " intra 2 day die 5", " la-VA Salve 2030</p>"},
		"la-IT": {"Welcome <b>", "Hello,", " la-IT Welcome &lt;b&gt; 2030</p>"},
	} {
		d := withName("<b>")
		d.Payload.Data.Invitation.Locale = locale
		raw, err := m.compose(new(workspace), d)
		if err != nil {
			t.Fatal(err)
		}
		p := parse(t, raw)
		if p.subject != want.subject || !strings.Contains(p.text, want.text) || !strings.Contains(p.html, want.html) {
			t.Errorf("%s: got %q\n%s\n%s", locale, p.subject, p.text, p.html)
		}
	}
}

// TestOverrideTexts: an override can keep the built-in layout and replace its
// texts.
func TestOverrideTexts(t *testing.T) {
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
	raw, err := m.compose(new(workspace), invitation())
	if err != nil {
		t.Fatal(err)
	}
	if page := parse(t, raw).html; !strings.Contains(page, ">Come in</h1>") {
		t.Error(page)
	}
}

// TestOverrideReminder: a reminder uses the override's own templates, then those of the
// override's invitation, then the built-in ones of the reminder.
func TestOverrideReminder(t *testing.T) {
	const invitationText = "{{.Link}} {{if .Reminder}}once more{{else}}first{{end}}"
	latin := map[string]string{
		"invitation/la/email.subject.gotmpl":        "Salve{{if .Reminder}} iterum{{end}}",
		"invitation/la/email.body.gotmpl":           "<p>{{.Link}}</p>",
		"invitation/la/email.body.plaintext.gotmpl": invitationText,
		"invitation/la/email.expiry.gotmpl":         `{{define "in"}}{{.Count}}{{end}}{{define "on"}}{{.Day}}{{end}}`,
	}
	with := func(files map[string]string, more ...string) map[string]string {
		all := maps.Clone(files)
		for i := 0; i < len(more); i += 2 {
			all[more[i]] = more[i+1]
		}
		return all
	}
	for name, tc := range map[string]struct {
		files               map[string]string
		locale              string
		subject, text, page string
	}{
		"language without reminder": {latin, "la", "Salve iterum", "once more", "<p>https://"},
		"language with reminder": {
			with(latin, "reminder/la/email.subject.gotmpl", "Memento", "reminder/la/email.body.plaintext.gotmpl", "{{.Link}} memento"),
			"la", "Memento", "memento", "<p>https://",
		},
		"reminder for all languages": {with(latin, "reminder/email.subject.gotmpl", "Memento {{.Language}}"), "la", "Memento la", "once more", "<p>https://"},
		"another language":           {latin, "de", "Erinnerung: Grace Hopper hat Sie eingeladen, Ihr Konto anzulegen", "Dies ist eine Erinnerung", "ist noch offen</h1>"},
		"invitation for all languages": {
			map[string]string{"invitation/email.body.plaintext.gotmpl": invitationText}, "en",
			"Reminder: Grace Hopper has invited you to create your account", "once more", "is still open</h1>",
		},
		"layout alone": {
			map[string]string{"invitation/email.layout.gotmpl": `{{define "layout"}}<p>{{template "heading" .}} {{.Link}}</p>{{end}}`}, "en",
			"Reminder: Grace Hopper has invited you to create your account", "This is a reminder", "<p>Your invitation is still open https://",
		},
		"layout and body": {
			map[string]string{
				"invitation/email.layout.gotmpl": `{{define "layout"}}<p>{{template "all" .}}</p>{{end}}`,
				"invitation/email.body.gotmpl":   `{{define "all"}}ours {{.Link}}{{end}}{{template "layout" .}}`,
			}, "en",
			"Reminder: Grace Hopper has invited you to create your account", "This is a reminder", "<p>ours https://",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := overridden(t, tc.files)
			if err != nil {
				t.Fatal(err)
			}
			d := reminder()
			d.Payload.Data.Invitation.Locale = tc.locale
			p := m.composed(t, d)
			if p.subject != tc.subject || !strings.Contains(p.text, tc.text) || !strings.Contains(p.html, tc.page) {
				t.Errorf("got %q\n%s\n%s", p.subject, p.text, p.html)
			}
		})
	}
	// A language of the reminder alone lacks the invitation.
	if _, err := overridden(t, map[string]string{"invitation/en/email.subject.gotmpl": "x", "reminder/la/email.subject.gotmpl": "x"}); err == nil || !strings.Contains(err.Error(), "la lacks email.subject.gotmpl") {
		t.Errorf("got %v", err)
	}
}

func TestBrokenOverride(t *testing.T) {
	const linkOnly = "{{.Link}}"
	for name, test := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"syntax":               {map[string]string{"invitation/email.body.gotmpl": "{{if}}"}, []string{"email.body.gotmpl:1"}},
		"html context":         {map[string]string{"invitation/email.body.gotmpl": `<a href="{{if .Link}}'{{else}}"{{end}}>{{.Link}}`}, []string{"email.body.gotmpl"}},
		"unknown field":        {map[string]string{"invitation/email.body.plaintext.gotmpl": linkOnly + "\n{{.Nonsense}}"}, []string{"email.body.plaintext.gotmpl:2", "Nonsense"}},
		"unknown, with name":   {map[string]string{"invitation/email.body.plaintext.gotmpl": linkOnly + "{{if .InviterName}}{{.Nonsense}}{{end}}"}, []string{"Nonsense"}},
		"unknown, no name":     {map[string]string{"invitation/email.body.plaintext.gotmpl": linkOnly + "{{if not .InviterName}}{{.Nonsense}}{{end}}"}, []string{"Nonsense"}},
		"unknown function":     {map[string]string{"invitation/email.subject.gotmpl": "{{.Email | sha256sum}}"}, []string{"sha256sum"}},
		"unknown template":     {map[string]string{"invitation/email.body.gotmpl": `{{template "nonsense" .}}`}, []string{"nonsense"}},
		"link in subject":      {map[string]string{"invitation/email.subject.gotmpl": "{{.Link}}"}, []string{"email.subject.gotmpl:1", "Link"}},
		"empty subject":        {map[string]string{"invitation/email.subject.gotmpl": "{{.InviterName}}"}, []string{"renders an empty subject"}},
		"text lacks link":      {map[string]string{"invitation/email.body.plaintext.gotmpl": "Hello"}, []string{"email.body.plaintext.gotmpl does not show {{.Link}}"}},
		"HTML lacks link":      {map[string]string{"invitation/email.body.gotmpl": "Hello"}, []string{"email.body.gotmpl does not show {{.Link}}"}},
		"expiry lacks on":      {map[string]string{"invitation/email.expiry.gotmpl": `{{define "in"}}x{{end}}`}, []string{`email.expiry.gotmpl does not define "on"`}},
		"expiry lacks words":   {map[string]string{"invitation/email.expiry.gotmpl": `{{define "in"}}x{{end}}{{define "on"}}{{pick .Weekday "So" "Mo"}}{{end}}`}, []string{"pick: index out of range for 2 words"}},
		"time without zone":    {map[string]string{"invitation/email.expiry.gotmpl": `{{define "in"}}x{{end}}{{define "on"}}{{.Day}} {{.Clock}} UTC{{end}}`}, []string{"email.expiry.gotmpl shows {{.Clock}} without {{.Zone}}"}},
		"trait by name":        {map[string]string{"invitation/email.subject.gotmpl": `Hello {{.Traits.department}}`}, []string{"department"}},
		"misspelled file":      {map[string]string{"invitation/email.body.txt.gotmpl": linkOnly}, []string{"email.body.txt.gotmpl is not the name of a template"}},
		"misspelled in folder": {map[string]string{"invitation/de/email.bodi.gotmpl": linkOnly}, []string{"email.bodi.gotmpl is not the name of a template"}},
		"no language":          {map[string]string{"invitation/valid/email.body.gotmpl": linkOnly}, []string{"valid is not named after a language"}},
		"duplicate language":   {map[string]string{"invitation/de-AT/email.body.gotmpl": linkOnly, "invitation/de_at/email.body.gotmpl": linkOnly}, []string{"second folder for the same language"}},
		"incomplete":           {map[string]string{"invitation/la/email.body.gotmpl": linkOnly}, []string{"la lacks email.subject.gotmpl", "la lacks email.body.plaintext.gotmpl", "la lacks email.expiry.gotmpl"}},
		"folder as file":       {map[string]string{"invitation/email.body.gotmpl/x": linkOnly}, []string{"email.body.gotmpl"}},
		"broken reminder":      {map[string]string{"invitation/en/email.subject.gotmpl": "x", "reminder/email.body.gotmpl": "{{if}}"}, []string{"reminder/email.body.gotmpl:1"}},
		"reminder lacks link":  {map[string]string{"invitation/en/email.subject.gotmpl": "x", "reminder/de/email.body.plaintext.gotmpl": "x"}, []string{"reminder/de/email.body.plaintext.gotmpl does not show {{.Link}}"}},
		"misspelled reminder":  {map[string]string{"invitation/en/email.subject.gotmpl": "x", "reminder/email.bodi.gotmpl": linkOnly}, []string{"reminder/email.bodi.gotmpl is not the name of a template"}},
		"no invitation":        {map[string]string{"recovery/email.body.gotmpl": linkOnly}, []string{"invitation cannot be read"}},
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
					t.Errorf("reported twice: %s", line)
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

// TestOverrideFailsInSend: a template that renders the samples but not a real
// invitation fails the message. The detail contains no secret.
func TestOverrideFailsInSend(t *testing.T) {
	m, err := overridden(t, map[string]string{
		"invitation/email.body.plaintext.gotmpl": `{{.Link}}{{if eq .InviterName "Grace Hopper"}}{{call .Link}}{{index (slice .Link 2) .Link}}{{end}}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	got := m.Send(t.Context(), invitation())
	want(t, got, bridge.AttemptFailed, 0, "email.body.plaintext.gotmpl:1")
}

// TestLocaleSupported: a locale is supported if its language has templates,
// built in or in the override.
func TestLocaleSupported(t *testing.T) {
	m, err := overridden(t, map[string]string{
		"invitation/la_VA/email.subject.gotmpl":        "Salve",
		"invitation/la_VA/email.body.gotmpl":           "<p>{{.Link}}</p>",
		"invitation/la_VA/email.body.plaintext.gotmpl": "{{.Link}}",
		"invitation/la_VA/email.expiry.gotmpl":         `{{define "in"}}{{.Count}}{{end}}{{define "on"}}{{.Day}}{{end}}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	all := append(languages(t), "la-va")
	slices.Sort(all)
	for locale, want := range map[string]bool{
		"en": true, "EN-gb": true, "de_DE.UTF-8": true, "de-AT,en;q=0.8": true, "la-VA": true, "la-va-x": true,
		"la": false, "it": false, "it,en": false, "e": false, "english": false, "": false,
	} {
		known, supported := m.LocaleSupported(locale)
		if known != want || !slices.Equal(supported, all) {
			t.Errorf("%q: %v, %q", locale, known, supported)
		}
	}
}

// TestBodyData: body templates have every field that the subject has.
func TestBodyData(t *testing.T) {
	subject := SubjectData{
		Email: "e", InviterName: "i", FromName: "f", Title: "t", InviteeName: "n", Traits: map[string]string{"a": "b"},
		ExpiresAt: sentAt, ExpiresIn: "in", ExpiresOn: "on", Locale: "en-GB", Language: "en", Reminder: true,
	}
	from, to := reflect.ValueOf(subject), reflect.ValueOf(subject.body())
	for i := range from.NumField() {
		name := from.Type().Field(i).Name
		if want, got := from.Field(i), to.FieldByName(name); want.IsZero() || !got.IsValid() || !reflect.DeepEqual(want.Interface(), got.Interface()) {
			t.Errorf("%s is %v in the subject, and %v in the body", name, want, got)
		}
	}
}
