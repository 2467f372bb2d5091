package page_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"invitebridge/bridge/page"
)

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
		"fr.json":     strings.Replace(builtin(t, "en"), `"Set password"`, `"Choisir"`, 1),
		"page.gotmpl": `<html><title>x</title><style>{{.Style}}</style><h1>{{.Heading}}</h1><form method="post"><input name="password"><p>{{.Email}}<button>{{.Text.submit}}</button>`,
		"..data":      "",
	})
	p := newPage(t, page.Config{TemplateOverridePath: dir})
	for language, want := range map[string]string{"en": "Set password", "de": "Los", "fr": "Choisir"} {
		v := full(page.SightForm)
		v.Email = "<b>"
		doc, root := render(t, p, language, v)
		if got := text(one(t, root, "button")); got != want || doc.Language != language || text(one(t, root, "p")) != "<b>"+want {
			t.Errorf("%s: %s", language, doc.HTML)
		}
	}
}

// Texts that a team wrote for an earlier release are taken as they are.
func TestOverride_earlier(t *testing.T) {
	english := builtin(t, "en")
	for _, key := range []string{"early_heading", "early_text", "invited_by_to", "invited_to", "sign_in_now", "weekdays", "date"} {
		at := strings.Index(english, `  "`+key+`"`)
		english = english[:at] + english[at+strings.Index(english[at:], "\n")+1:]
	}
	french := strings.NewReplacer(
		"{\n", `{"date": "le {day} {month} {year}, {time} UTC",`, "has invited you", "vous invite", "have been invited", "êtes invité",
		"Please try again in a moment\"", "Réessayez\"", "Your password is set.", "C'est fait.",
	).Replace(english)
	p := newPage(t, page.Config{TemplateOverridePath: folder(t, map[string]string{
		"de.json": `{"active_heading": "Ihr Konto ist bereits aktiv", "active_text": "Melden Sie sich an."}`,
		"fr.json": french,
	}), Title: "ACME"})
	view := full(page.SightForm)
	view.TimeZone = "Europe/Berlin"
	if _, root := render(t, p, "fr", view); text(one(t, root, "time")) != "le 9 March 2026, 22:05 UTC" {
		t.Errorf("until %s", text(one(t, root, "time")))
	}
	for language, want := range map[string]string{"de": "Bitte kommen Sie später wieder", "fr": "Réessayez"} {
		if _, root := render(t, p, language, full(page.SightEarly)); text(one(t, root, "h1")) != want {
			t.Errorf("%s: %s", language, text(one(t, root, "h1")))
		}
	}
}

// No page is in two languages, and a team's sentence is not replaced by ours,
// where it was written before there was one that names what people are invited to.
func TestOverride_sentence(t *testing.T) {
	english := builtin(t, "en")
	for _, key := range []string{"early_heading", "early_text", "invited_by_to", "invited_to", "sign_in_now"} {
		at := strings.Index(english, `  "`+key+`"`)
		english = english[:at] + english[at+strings.Index(english[at:], "\n")+1:]
	}
	french := strings.NewReplacer("has invited you", "vous invite", "have been invited", "êtes invité", "Your password is set", "C'est fait").Replace(english)
	p := newPage(t, page.Config{Title: "ACME", TemplateOverridePath: folder(t, map[string]string{
		"fr.json": french, "en.json": `{"invited": "Join us."}`, "de.json": `{"invited_by": "{inviter} ruft."}`,
	})})
	for _, c := range []struct{ language, inviter, want string }{
		{"fr", "Grace", "Grace vous invite."}, {"fr", "", "You êtes invité."},
		{"en", "", "Join us."}, {"en", "Grace", "Grace has invited you to ACME."},
		{"de", "Grace", "Grace ruft."}, {"de", "", "Sie wurden zu ACME eingeladen."},
	} {
		view := full(page.SightForm)
		view.InviterName = c.inviter
		if _, root := render(t, p, c.language, view); !strings.HasPrefix(text(find(root, "p")[1]), c.want) {
			t.Errorf("%s: got %q, want %q", c.language, text(find(root, "p")[1]), c.want)
		}
	}
	if _, root := render(t, p, "fr", page.View{Sight: page.SightAccepted, Place: "here"}); !strings.HasPrefix(text(find(root, "p")[1]), "C'est fait.") {
		t.Errorf("accepted: %q", text(find(root, "p")[1]))
	}
}

func TestOverride_problems(t *testing.T) {
	for _, c := range []struct{ name, file, content, want string }{
		{"unknown file", "page.html", "", "page.html is not used; give page.gotmpl"},
		{"unknown key", "de.json", `{"sumbit": "Los"}`, "de.json: remove sumbit"},
		{"unknown English key", "en.json", `{"sumbit": "Go"}`, "en.json: remove sumbit"},
		{"not an object", "de.json", "[]", "de.json is not a JSON object of texts"},
		{"braces lost", "de.json", `{"valid_until": "Bald"}`, "valid_until must have [{date}] in it"},
		{"texts missing", "fr.json", `{"submit": "Choisir"}`, "fr.json: give a text for each of accepted_heading, accepted_text, account,"},
		{"empty", "de.json", `{"submit": ""}`, "give a text for each of submit"},
		{"direction", "de.json", `{"direction": "up"}`, "give ltr or rtl"},
		{"months", "de.json", `{"months": "a b"}`, "give 12"},
		{"weekdays missing", "fr.json", strings.Replace(builtin(t, "en"), `"weekdays"`, `"active_text"`, 1), "give a text for each of weekdays"},
		{"no language", "x.json", "{}", `"x" is not the name of a language`},
		{"does not parse", "page.gotmpl", "{{if}}", "mend the template"},
		{"unknown field", "page.gotmpl", "{{.Token}}", "mend the template: form in en"},
		{"unknown text", "page.gotmpl", "{{.Text.nothing}}", "mend the template: form in en"},
		{"fails for one sight", "page.gotmpl", `{{if eq .Sight "revoked"}}{{.X}}{{end}}`, "mend the template: revoked in en"},
		{"own script", "page.gotmpl", `<script>alert(1)</script>`, "browsers will refuse this <script>"},
		{"own style", "page.gotmpl", `<style>{{.Style}} a{}</style>`, "browsers will refuse this <style>"},
		{"style attribute", "page.gotmpl", `<p style="color:red">`, "browsers will refuse the attribute style of <p>"},
		{"no form", "page.gotmpl", `<h1>{{.Heading}}</h1>`, "the form is missing"},
		{"a form that goes elsewhere", "page.gotmpl", `<form method="post" action="/x"><input name="password">`, "the form is missing"},
		{"a form without the field", "page.gotmpl", `<form method="post"><input name="pass">`, "the form is missing"},
		{"image of another site", "page.gotmpl", `<img src="https://x.example/logo.png">`, "browsers will not fetch the src of <img>"},
		{"style of another site", "page.gotmpl", `<link rel="stylesheet" href="/style.css">`, "browsers will not fetch the href of <link>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			refused(t, page.Config{TemplateOverridePath: folder(t, map[string]string{c.file: c.content})}, c.want)
		})
	}
}
