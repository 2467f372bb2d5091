package config

import (
	"net/mail"
	"net/url"
	"regexp"
)

// Page customizes the hosted page. This package does not check that the files
// can be used, or that the colors have enough contrast.
type Page struct {
	// Title is the name of the team or its product, without control characters.
	Title string `yaml:"title"`
	// LogoPath is the absolute path of an image: PNG, JPEG, WebP or SVG.
	LogoPath string `yaml:"logo_path"`
	// SupportAddress is an email address or an https URL.
	SupportAddress string `yaml:"support_address"`
	// AccentColor is the color of buttons and links, as #rrggbb; AccentColorDark
	// is the same for dark mode. Empty uses the built-in one.
	AccentColor     string `yaml:"accent_color"`
	AccentColorDark string `yaml:"accent_color_dark"`
	// CSSPath is the absolute path of a style sheet that is applied after the
	// built-in one.
	CSSPath string `yaml:"css_path"`
	// TemplateOverridePath is the absolute path of a directory with texts and a
	// template that replace the built-in ones; empty uses the built-in ones.
	TemplateOverridePath string `yaml:"template_override_path"`
}

var hexColor = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func (k *checks) page(p Page) {
	const at = "page."
	k.require(!hasControls(p.Title), at+"title", "must not have line breaks or other control characters")
	k.namedInASCII(p.SupportAddress, at+"support_address",
		"must be an email address such as help@example.com, an https URL, or empty",
		func(text string) bool { return text == "" || isSupport(text) })
	for _, color := range [][2]string{{p.AccentColor, "accent_color"}, {p.AccentColorDark, "accent_color_dark"}} {
		k.require(color[0] == "" || hexColor.MatchString(color[0]), at+color[1],
			"must be a color such as #1f5fbf, or empty for the built-in one")
	}
	for _, path := range [][2]string{
		{p.LogoPath, "logo_path"}, {p.CSSPath, "css_path"}, {p.TemplateOverridePath, "template_override_path"},
	} {
		k.require(path[0] == "" || isAbsolute(path[0]), at+path[1], "must be an absolute path, or empty for none")
	}
}

func isSupport(text string) bool {
	if u, err := url.Parse(text); err == nil && u.Scheme == "https" {
		return hasHost(u) && u.User == nil
	}
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text
}
