package page_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"invitebridge/bridge/page"
)

const png = "\x89PNG\r\n\x1a\n..."

func TestNew_problems(t *testing.T) {
	for _, c := range []struct {
		name   string
		config page.Config
		want   string
	}{
		{"missing logo", page.Config{LogoPath: "/nowhere/logo.png"}, "logo_path: /nowhere/logo.png cannot be read: no such file"},
		{"logo of an unsupported type", page.Config{LogoPath: write(t, "logo.png", "GIF89a")}, "not a PNG, JPEG, WebP or SVG image"},
		{"large logo", page.Config{LogoPath: write(t, "logo.png", png+strings.Repeat("x", 65536))}, "at most 65536"},
		{"style sheet with an end tag", page.Config{CSSPath: write(t, "a.css", "a{}</STYLE><script>")}, `contains "</style"`},
		{"style sheet that is not text", page.Config{CSSPath: write(t, "a.css", "a{}\xff")}, "not UTF-8"},
		{"support over http", page.Config{SupportAddress: "http://example.com"}, "neither an email address nor an https URL"},
		{"support as a script", page.Config{SupportAddress: "javascript:alert(1)"}, "neither an email address nor an https URL"},
		{"not a color", page.Config{AccentColor: "red;}"}, `"red;}" is not a color such as #`},
		{"too pale", page.Config{AccentColor: "#ffcc00"}, "choose a darker color"},
		{"too dark in dark mode", page.Config{AccentColorDark: "#1f5fbf"}, "choose a lighter color"},
		{"missing directory", page.Config{TemplateOverridePath: "/nowhere"}, "template_override_path: /nowhere cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) { rejected(t, c.config, c.want) })
	}
}

func rejected(t *testing.T, config page.Config, want ...string) {
	t.Helper()
	_, err := page.New(config)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range want {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not contain %q", err, want)
		}
	}
}

func TestNew_allProblemsAtOnce(t *testing.T) {
	rejected(t, page.Config{LogoPath: "/nowhere", CSSPath: "/nowhere", SupportAddress: "x", AccentColor: "x", AccentColorDark: "y",
		TemplateOverridePath: "/nowhere"},
		"logo_path", "css_path", "support_address", "accent_color:", "accent_color_dark", "template_override_path")
}

func TestNew_logo(t *testing.T) {
	for kind, content := range map[string]string{
		"png": png, "jpeg": "\xff\xd8\xff\xe0...", "webp": "RIFF....WEBPVP8 ",
		"svg+xml": "<?xml version=\"1.0\"?>\n<!-- x --><svg xmlns=\"http://www.w3.org/2000/svg\"/>",
	} {
		p := newPage(t, page.Config{Title: "Acme", LogoPath: write(t, "logo", content)})
		_, root := render(t, p, "", full(page.ScreenForm))
		img := one(t, root, "img")
		if !strings.HasPrefix(attr(img, "src"), "data:image/"+kind+";base64,") || attr(img, "alt") != "Acme" {
			t.Errorf("%s: %v", kind, img.Attr)
		}
	}
}

// TestNew_accent: text on an accent color is black or white, whichever is easier
// to read.
func TestNew_accent(t *testing.T) {
	p := newPage(t, page.Config{AccentColor: "#7A1F5C", AccentColorDark: "#ffcc00"})
	_, root := render(t, p, "", full(page.ScreenForm))
	style := text(one(t, root, "style"))
	for _, want := range []string{"--accent: #7A1F5C; --on-accent: #ffffff", "--accent: #ffcc00; --on-accent: #000000"} {
		if !strings.Contains(style, want) {
			t.Errorf("the style lacks %s", want)
		}
	}
}

// TestNew_accentAlone: one accent color is enough. For dark mode it is lightened
// until it can be read.
func TestNew_accentAlone(t *testing.T) {
	for accent, dark := range map[string]string{
		"#7a1f5c": "#ad769b", "#000000": "#878787", "#0000ff": "#7777ff", "#1f5fbf": "#5787cf", "#c2410c": "#cf6a41",
	} {
		p := newPage(t, page.Config{AccentColor: accent})
		_, root := render(t, p, "", full(page.ScreenForm))
		_, scheme, _ := strings.Cut(text(one(t, root, "style")), "prefers-color-scheme: dark")
		scheme, _, _ = strings.Cut(scheme, ";")
		if _, got, _ := strings.Cut(scheme, "--accent: "); got != dark {
			t.Errorf("%s becomes %s, want %s", accent, got, dark)
		}
		newPage(t, page.Config{AccentColor: accent, AccentColorDark: dark}) // fails if the contrast is too low
	}
}

func TestRender_language(t *testing.T) {
	p := newPage(t, page.Config{TemplateOverridePath: filepath.Dir(write(t, "pt-br.json", builtin(t, "en")))})
	for _, c := range []struct{ accepted, locale, want string }{
		{"", "", "en"},
		{"de", "", "de"},
		{"de-AT,de;q=0.9,en;q=0.5", "en", "de"},
		{"en-GB,de;q=0.9", "de", "en"},
		{"la, de;q=0.5, en;q=0.4", "en", "de"},
		{"la-CH", "de", "de"},
		{"la-CH", "la", "en"},
		{"de;q=0, la", "", "en"},
		{"*", "de", "de"},
		{"pt", "", "pt-BR"},
		{";;;,,,", "de_DE", "de"},
		{"\xff", "\xff", "en"},
		{strings.Repeat("de,", 100_000), "", "en"},
	} {
		doc, err := p.Render(c.accepted, c.locale, full(page.ScreenForm))
		if err != nil || doc.Language != c.want {
			t.Errorf("%.30q, %q: got %s, %v, want %s", c.accepted, c.locale, doc.Language, err, c.want)
		}
	}
}

// languages lists the built-in languages.
func languages(t *testing.T) (tags []string) {
	t.Helper()
	files, err := filepath.Glob("builtin/*.json")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		tags = append(tags, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	return tags
}

func builtin(t *testing.T, language string) string {
	t.Helper()
	content, err := os.ReadFile("builtin/" + language + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestLanguages: every built-in language has every text, and every file is used.
func TestLanguages(t *testing.T) {
	p := newPage(t, page.Config{})
	var english []string
	for _, tag := range append([]string{"en"}, languages(t)...) {
		var texts map[string]string
		if err := json.Unmarshal([]byte(builtin(t, tag)), &texts); err != nil {
			t.Fatal(err)
		}
		keys := slices.Sorted(maps.Keys(texts))
		if english == nil {
			english = keys
		}
		if !slices.Equal(keys, english) {
			t.Errorf("%s and English have different keys:\n%v\n%v", tag, keys, english)
		}
		if doc, _ := p.Render(tag, "", full(page.ScreenForm)); doc.Language != tag {
			t.Errorf("%s is not used", tag)
		}
	}
}
