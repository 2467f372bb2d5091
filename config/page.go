package config

import (
	"net/mail"
	"net/url"
	"regexp"
)

// Page is how a team makes the hosted page its own. Whether the files can be
// used, and whether the colours can be read, is not known here.
type Page struct {
	// Title is the name of the team or its product, without control characters.
	Title string `yaml:"title"`
	// LogoPath is the absolute path of an image: PNG, JPEG, WebP or SVG.
	LogoPath string `yaml:"logo_path"`
	// SupportAddress is an e-mail address or an https URL.
	SupportAddress string `yaml:"support_address"`
	// AccentColor is that of buttons and links, as #rrggbb; AccentColorDark the
	// same on a dark ground. Empty is the built-in one.
	AccentColor     string `yaml:"accent_color"`
	AccentColorDark string `yaml:"accent_color_dark"`
	// CSSPath is the absolute path of a style sheet that goes after the
	// built-in one.
	CSSPath string `yaml:"css_path"`
	// TemplateOverridePath is the absolute path of a directory with texts and a
	// template in place of the built-in ones; empty is those.
	TemplateOverridePath string `yaml:"template_override_path"`
}

var hexColour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func (k *checks) page(p Page) {
	const at = "page."
	k.that(!hasControls(p.Title), at+"title", "must not have line breaks or other control characters")
	k.named(p.SupportAddress, at+"support_address",
		"must be an e-mail address such as help@example.com, or an https URL, or empty",
		func(text string) bool { return text == "" || isSupport(text) })
	for _, colour := range [][2]string{{p.AccentColor, "accent_color"}, {p.AccentColorDark, "accent_color_dark"}} {
		k.that(colour[0] == "" || hexColour.MatchString(colour[0]), at+colour[1],
			"must be a colour such as #1f5fbf, or empty for the built-in one")
	}
	for _, path := range [][2]string{
		{p.LogoPath, "logo_path"}, {p.CSSPath, "css_path"}, {p.TemplateOverridePath, "template_override_path"},
	} {
		k.that(path[0] == "" || isAbsolute(path[0]), at+path[1], "must be an absolute path, or empty for none")
	}
}

func isSupport(text string) bool {
	if u, err := url.Parse(text); err == nil && u.Scheme == "https" {
		return hasHost(u) && u.User == nil
	}
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text
}
