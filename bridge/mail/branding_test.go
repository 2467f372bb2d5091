package mail

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"invitebridge/bridge"
)

// branded returns a Mailer with every branding option set.
func branded(t *testing.T, change func(*Config)) *Mailer {
	t.Helper()
	c := config("smtp://127.0.0.1:1/")
	c.Branding = Branding{Title: "ACME", Accent: "#8a1c1c", OnAccent: "#ffffff", AccentDark: "#ffb3a8", OnAccentDark: "#000000"}
	c.NameTrait, c.ReplyToInviter = "name.first", true
	if change != nil {
		change(&c)
	}
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// detailed returns invitation with every optional detail of inviter and invitee.
func detailed() bridge.Dispatch {
	d := invitation()
	v := &d.Payload.Data.Invitation
	v.InviterEmail, v.TimeZone, v.Traits = "grace@acme.example", "Europe/Berlin", map[string]string{"name.first": "Ada", "department": "R & D"}
	return d
}

func (m *Mailer) composed(t *testing.T, d bridge.Dispatch) parsedEmail {
	t.Helper()
	raw, err := m.compose(new(workspace), d)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, raw)
}

// TestBranded pins the email with every branding option set.
func TestBranded(t *testing.T) {
	m := branded(t, nil)
	for language, want := range map[string][]string{
		"en": {"Grace Hopper has invited you to ACME", "You are invited to ACME"},
		"de": {"Grace Hopper lädt Sie zu ACME ein", "Sie sind zu ACME eingeladen"},
	} {
		d := detailed()
		d.Payload.Data.Invitation.Locale = language
		p := m.composed(t, d)
		golden(t, language+".branded.txt", p.text)
		golden(t, language+".branded.html", p.html)
		d.Payload.Type = bridge.EventReminder
		reminding := m.composed(t, d)
		golden(t, language+".reminder.branded.txt", reminding.text)
		golden(t, language+".reminder.branded.html", reminding.html)
		d.Payload.Type = bridge.EventTokenCreated
		d.Payload.Data.Invitation.InviterName = ""
		if got := m.composed(t, d).subject; p.subject != want[0] || got != want[1] {
			t.Errorf("%s: %q, %q", language, p.subject, got)
		}
		if p.header.Get("Reply-To") != "<grace@acme.example>" || p.count != headerCount+1 {
			t.Errorf("%s: replies go to %q; %d headers", language, p.header.Get("Reply-To"), p.count)
		}
	}
}

// TestReplyTo: replies go to the inviter only if it is configured and the address
// is one valid address.
func TestReplyTo(t *testing.T) {
	off := branded(t, func(c *Config) { c.ReplyToInviter = false })
	if p := off.composed(t, detailed()); p.header.Get("Reply-To") != "" || p.count != headerCount {
		t.Errorf("replies go to %q", p.header.Get("Reply-To"))
	}
	on := branded(t, nil)
	for _, address := range hostileAddresses {
		d := detailed()
		d.Payload.Data.Invitation.InviterEmail = address
		if p := on.composed(t, d); p.header.Get("Reply-To") != "" || p.count != headerCount {
			t.Errorf("%q: replies go to %q; %d headers", address, p.header.Get("Reply-To"), p.count)
		}
	}
}

// TestHostileTraits: a trait cannot inject headers, lines or links.
func TestHostileTraits(t *testing.T) {
	m := branded(t, nil)
	want := m.composed(t, detailed())
	for _, name := range hostileNames {
		d := detailed()
		d.Payload.Data.Invitation.Traits["name.first"] = name
		got := m.composed(t, d)
		if got.count != want.count || hidden.MatchString(got.text+got.html) || strings.Count(got.text, "\n") != strings.Count(want.text, "\n") {
			t.Errorf("%q: %d headers\n%s", name, got.count, got.text)
		}
		first, _, _ := strings.Cut(got.text, "\n")
		shown := bridge.PersonName(bridge.InviterName(name, nil))
		if first != strings.TrimSuffix("Hello "+shown, " ")+"," {
			t.Errorf("%q: %q", name, first)
		}
		if strings.Contains(first, "evil.example") {
			t.Errorf("%q is shown", name)
		}
	}
}

func TestTraitsInTemplates(t *testing.T) {
	m := branded(t, func(c *Config) {
		c.TemplateOverridePath = overrides(t, map[string]string{
			"invitation/email.subject.gotmpl": `{{.Title}}: {{.InviteeName}}, {{index .Traits "department"}}{{index .Traits "none"}}`,
		})
	})
	if got := m.composed(t, detailed()).subject; got != "ACME: Ada, R & D" {
		t.Errorf("got %q", got)
	}
}

// picture returns a small PNG.
func picture(t *testing.T) []byte {
	t.Helper()
	i := image.NewRGBA(image.Rect(0, 0, 160, 40))
	for x := range 160 {
		for y := range 40 {
			i.Set(x, y, color.RGBA{R: 138, G: uint8(x), B: uint8(y), A: 255})
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, i); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestLogo: the image is embedded in the email. Formats that mail programs do not
// show are left out, and the title takes their place.
func TestLogo(t *testing.T) {
	logo := picture(t)
	p := branded(t, func(c *Config) { c.Branding.Logo = logo }).composed(t, detailed())
	if p.logo == nil || p.logo.Header.Get("Content-Id") != "<logo@invitebridge>" || !strings.HasPrefix(p.logo.Header.Get("Content-Type"), "image/png") ||
		!strings.HasPrefix(p.logo.Header.Get("Content-Disposition"), "inline") || !bytes.Equal(p.image, logo) {
		t.Fatalf("got %+v, %d bytes", p.logo, len(p.image))
	}
	if !strings.Contains(p.html, `src="cid:logo@invitebridge" alt="ACME"`) || strings.Count(p.html, "src=") != 1 {
		t.Error(p.html)
	}
	if dir := os.Getenv("MAIL_PREVIEW"); dir != "" {
		preview(t, dir, logo)
	}
	for _, other := range [][]byte{[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), []byte("RIFF\x00\x00\x00\x00WEBPVP8 "), []byte("x")} {
		p := branded(t, func(c *Config) { c.Branding.Logo = other }).composed(t, detailed())
		if p.logo != nil || strings.Contains(p.html, "<img") || !strings.Contains(p.html, "<bdi>ACME</bdi></p>") {
			t.Errorf("%q: %s", other, p.html)
		}
	}
}

func TestBrandingProblems(t *testing.T) {
	c := config("smtp://127.0.0.1/")
	c.Branding.Accent = "red;background:url(//evil.example)"
	if _, err := New(c); err == nil {
		t.Error("an invalid color was accepted")
	}
}

// preview writes emails to dir, to be opened in a browser.
func preview(t *testing.T, dir string, logo []byte) {
	t.Helper()
	for name, m := range map[string]*Mailer{
		"logo":  branded(t, func(c *Config) { c.Branding.Logo = logo }),
		"title": branded(t, nil),
		"plain": branded(t, func(c *Config) { c.Branding, c.NameTrait = Branding{}, "" }),
	} {
		for _, language := range languages(t) {
			d := detailed()
			d.Payload.Data.Invitation.Locale = language
			page := m.composed(t, d).html
			if err := os.WriteFile(filepath.Join(dir, name+"."+language+".html"), []byte(page), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "logo.png"), logo, 0o600); err != nil {
		t.Fatal(err)
	}
}
