package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"net/mail"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	_ "embed"
)

var (
	//go:embed builtin/style.css
	builtinStyle string
	//go:embed builtin/script.js
	script template.JS
)

const maxFile = 64 << 10 // bytes, for the logo and for the style sheet

// loadStyle returns the accent colors, the built-in style sheet and the custom
// one, in this order.
func loadStyle(config Config) (template.CSS, error) {
	accents, err := accentCSS(config.AccentColor, config.AccentColorDark)
	own, ownErr := loadCSS(config.CSSPath)
	return template.CSS(accents + builtinStyle + own), errors.Join(err, ownErr) // #nosec G203 -- ours and the operator's
}

var endOfStyle = regexp.MustCompile(`(?i)</style`)

func loadCSS(path string) (string, error) {
	content, err := readFile("css_path", path)
	switch {
	case err != nil:
		return "", err
	case !utf8.Valid(content) || bytes.IndexByte(content, 0) >= 0:
		return "", fmt.Errorf("css_path: %s is not UTF-8 text; save it as such", path)
	case endOfStyle.Match(content):
		return "", fmt.Errorf("css_path: %s contains \"</style\", which would end the style sheet; remove it", path)
	}
	// Browsers normalize line ends to \n before they hash the text.
	return strings.NewReplacer("\ufeff", "", "\r\n", "\n", "\r", "\n").Replace(string(content)), nil
}

// loadLogo returns the image as a data: URL. Its type is detected from the content.
func loadLogo(path string) (template.URL, error) {
	content, err := readFile("logo_path", path)
	if err != nil || path == "" {
		return "", err
	}
	kind := imageType(content)
	if kind == "" {
		return "", fmt.Errorf("logo_path: %s is not a PNG, JPEG, WebP or SVG image; convert it", path)
	}
	return template.URL("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(content)), nil // #nosec G203 -- an image
}

func imageType(content []byte) string {
	switch {
	case bytes.HasPrefix(content, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(content, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case len(content) > 12 && string(content[:4]) == "RIFF" && string(content[8:12]) == "WEBP":
		return "image/webp"
	}
	for d := xml.NewDecoder(bytes.NewReader(content)); ; {
		token, err := d.Token()
		if err != nil {
			return ""
		}
		if start, ok := token.(xml.StartElement); ok {
			if start.Name.Local == "svg" {
				return "image/svg+xml"
			}
			return ""
		}
	}
}

func readFile(setting, path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %s cannot be read: %w", setting, path, reason(err))
	case len(content) > maxFile:
		return nil, fmt.Errorf("%s: %s has %d bytes; every page contains it, so reduce it to at most %d", setting, path, len(content), maxFile)
	}
	return content, nil
}

func parseSupport(address string) (*Link, error) {
	if address == "" {
		return nil, nil
	}
	if u, err := url.Parse(address); err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil {
		return &Link{URL: u.String(), Text: address}, nil
	}
	if a, err := mail.ParseAddress(address); err == nil && a.Address == address {
		return &Link{URL: (&url.URL{Scheme: "mailto", Opaque: url.PathEscape(address)}).String(), Text: address}, nil
	}
	return nil, fmt.Errorf("support_address: %q is neither an email address nor an https URL", address)
}

// contentSecurityPolicy returns a policy that allows what the pages contain and
// nothing else. Browsers check it for the target of a form and for each redirect
// that follows. It is the same for all pages, because the script shows one page in
// place of another.
func contentSecurityPolicy(style template.CSS, formOrigins []string) string {
	return fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; img-src data:; "+
		"connect-src 'self'; form-action %s; base-uri 'none'; frame-ancestors 'none'",
		hash(string(style)), hash(string(script)), strings.Join(slices.Concat([]string{"'self'"}, formOrigins), " "))
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
