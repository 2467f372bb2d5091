package page_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"invitebridge/bridge/page"
)

// folder creates a temporary directory with files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOverride(t *testing.T) {
	dir := folder(t, map[string]string{
		"de.json":     `{"submit": "Los"}`,
		"la.json":     strings.Replace(builtin(t, "en"), `"Set password"`, `"Elige"`, 1),
		"page.gotmpl": `<html><title>x</title><style>{{.Style}}</style><h1>{{.Heading}}</h1><form method="post"><input name="password"><p>{{.Email}}<button>{{.Text.submit}}</button>`,
		"..data":      "",
	})
	p := newPage(t, page.Config{TemplateOverridePath: dir})
	for language, want := range map[string]string{"en": "Set password", "de": "Los", "la": "Elige"} {
		v := full(page.ScreenForm)
		v.Email = "<b>"
		doc, root := render(t, p, language, v)
		if got := text(one(t, root, "button")); got != want || doc.Language != language || text(one(t, root, "p")) != "<b>"+want {
			t.Errorf("%s: %s", language, doc.HTML)
		}
	}
}

// added lists keys that came with later releases.
var added = []string{
	"early_heading", "early_text", "invited_by_to", "invited_to", "sign_in_now",
	"again_heading", "again_text", "again_email", "asked_heading", "asked_text", "problem_email",
}

// TestOverride_again: a template that does not know the form for a new link gets the
// built-in one for that screen only.
func TestOverride_again(t *testing.T) {
	const own = `<html><title>x</title><main class="own"><h1>{{.Heading}}</h1><form method="post"><input name="password"></form>`
	for template, want := range map[string]bool{
		own: false, own + `{{if eq .Sight "again"}}<form method="post"><input name="email"></form>{{end}}`: true,
	} {
		p := newPage(t, page.Config{TemplateOverridePath: folder(t, map[string]string{"page.gotmpl": template})})
		for screen, mine := range map[page.Screen]bool{page.ScreenAgain: want, page.ScreenAsked: true} {
			document, err := p.Render("de", "", full(screen))
			if html := string(document.HTML); err != nil || strings.Contains(html, `class="own"`) != mine || screen == page.ScreenAgain && !strings.Contains(html, `name="email"`) {
				t.Errorf("%s: %v, %s", screen, err, html)
			}
		}
	}
}

// TestOverride_earlier: custom texts for an earlier release keep working.
func TestOverride_earlier(t *testing.T) {
	english := builtin(t, "en")
	for _, key := range append(slices.Clone(added), "weekdays", "date") {
		at := strings.Index(english, `  "`+key+`"`)
		english = english[:at] + english[at+strings.Index(english[at:], "\n")+1:]
	}
	latin := strings.NewReplacer(
		"{\n", `{"date": "die {day} {month} {year}, {time} UTC",`, "has invited you", "te invitat", "have been invited", "invitatus es",
		"Please try again in a moment\"", "Iterum tempta\"", "Your password is set.", "Factum est.",
	).Replace(english)
	p := newPage(t, page.Config{TemplateOverridePath: folder(t, map[string]string{
		"de.json": `{"active_heading": "Ihr Konto ist bereits aktiv", "active_text": "Melden Sie sich an."}`,
		"la.json": latin,
	}), Title: "ACME"})
	view := full(page.ScreenForm)
	view.TimeZone = "Europe/Berlin"
	if _, root := render(t, p, "la", view); text(one(t, root, "time")) != "die 9 March 2026, 22:05 UTC" {
		t.Errorf("until %s", text(one(t, root, "time")))
	}
	for language, want := range map[string]string{"de": "Bitte kommen Sie später wieder", "la": "Iterum tempta"} {
		if _, root := render(t, p, language, full(page.ScreenEarly)); text(one(t, root, "h1")) != want {
			t.Errorf("%s: %s", language, text(one(t, root, "h1")))
		}
	}
}

// TestOverride_sentence: no page mixes two languages, and a custom sentence from
// before there was one that names what the invitation is for is not replaced by
// the built-in one.
func TestOverride_sentence(t *testing.T) {
	english := builtin(t, "en")
	for _, key := range added {
		at := strings.Index(english, `  "`+key+`"`)
		english = english[:at] + english[at+strings.Index(english[at:], "\n")+1:]
	}
	latin := strings.NewReplacer("has invited you", "te invitat", "have been invited", "invitatus es", "Your password is set", "Factum est").Replace(english)
	p := newPage(t, page.Config{Title: "ACME", TemplateOverridePath: folder(t, map[string]string{
		"la.json": latin, "en.json": `{"invited": "Join us."}`, "de.json": `{"invited_by": "{inviter} ruft."}`,
	})})
	for _, c := range []struct{ language, inviter, want string }{
		{"la", "Grace", "Grace te invitat."}, {"la", "", "You invitatus es."},
		{"en", "", "Join us."}, {"en", "Grace", "Grace has invited you to ACME."},
		{"de", "Grace", "Grace ruft."}, {"de", "", "Sie wurden zu ACME eingeladen."},
	} {
		view := full(page.ScreenForm)
		view.InviterName = c.inviter
		if _, root := render(t, p, c.language, view); !strings.HasPrefix(text(find(root, "p")[1]), c.want) {
			t.Errorf("%s: got %q, want %q", c.language, text(find(root, "p")[1]), c.want)
		}
	}
	if _, root := render(t, p, "la", page.Input{Screen: page.ScreenAccepted, Place: "here"}); !strings.HasPrefix(text(find(root, "p")[1]), "Factum est.") {
		t.Errorf("accepted: %q", text(find(root, "p")[1]))
	}
}

func TestOverride_problems(t *testing.T) {
	for _, c := range []struct{ name, file, content, want string }{
		{"unknown file", "page.html", "", "page.html is not used; remove it, or name it page.gotmpl"},
		{"unknown key", "de.json", `{"sumbit": "Los"}`, "de.json: sumbit is not a known key"},
		{"unknown English key", "en.json", `{"sumbit": "Go"}`, "en.json: sumbit is not a known key"},
		{"not an object", "de.json", "[]", "de.json is not a JSON object of texts"},
		{"placeholder missing", "de.json", `{"valid_until": "Bald"}`, "valid_until must contain each of [{date}] once"},
		{"texts missing", "la.json", `{"submit": "Elige"}`, "la.json: these texts are missing or empty: accepted_heading, accepted_text, account,"},
		{"empty", "de.json", `{"submit": ""}`, "these texts are missing or empty: submit"},
		{"direction", "de.json", `{"direction": "up"}`, "must be ltr or rtl"},
		{"months", "de.json", `{"months": "a b"}`, "must have 12"},
		{"weekdays missing", "la.json", strings.Replace(builtin(t, "en"), `"weekdays"`, `"active_text"`, 1), "these texts are missing or empty: weekdays"},
		{"not a language", "x.json", "{}", `"x" is not a language tag`},
		{"does not parse", "page.gotmpl", "{{if}}", "fix the template"},
		{"unknown field", "page.gotmpl", "{{.Token}}", "fix the template: form in en"},
		{"unknown text", "page.gotmpl", "{{.Text.nothing}}", "fix the template: form in en"},
		{"fails on one screen", "page.gotmpl", `{{if eq .Sight "revoked"}}{{.X}}{{end}}`, "fix the template: revoked in en"},
		{"own script", "page.gotmpl", `<script>alert(1)</script>`, "browsers will refuse this <script>"},
		{"own style", "page.gotmpl", `<style>{{.Style}} a{}</style>`, "browsers will refuse this <style>"},
		{"style attribute", "page.gotmpl", `<p style="color:red">`, "browsers will refuse the attribute style of <p>"},
		{"no form", "page.gotmpl", `<h1>{{.Heading}}</h1>`, "the form is missing"},
		{"a form with an action", "page.gotmpl", `<form method="post" action="/x"><input name="password">`, "the form is missing"},
		{"a form without the field", "page.gotmpl", `<form method="post"><input name="pass">`, "the form is missing"},
		{"image of another site", "page.gotmpl", `<img src="https://x.example/logo.png">`, "browsers will not fetch the src of <img>"},
		{"style of another site", "page.gotmpl", `<link rel="stylesheet" href="/style.css">`, "browsers will not fetch the href of <link>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rejected(t, page.Config{TemplateOverridePath: folder(t, map[string]string{c.file: c.content})}, c.want)
		})
	}
}
