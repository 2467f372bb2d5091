package mail

import (
	"cmp"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"invitebridge/bridge"
)

// Look is how the built-in emails look. Its zero value is good.
type Look struct {
	Title string // of the team or its product; may be empty
	// Logo is a PNG or JPEG image; of another kind, which mail programs do not
	// show, it is left out.
	Logo []byte
	// Accent is the colour of the button and of links as #rrggbb, OnAccent that of
	// the text on the button; the others are the same on a dark ground. Empty: the
	// built-in ones.
	Accent, OnAccent, AccentDark, OnAccentDark string
}

var hexColour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// complete gives the look with its defaults.
func (l Look) complete() (Look, error) {
	l.Title = bridge.Shorten(bridge.OneLine(l.Title), bridge.MaxPersonName)
	l.Accent, l.OnAccent = cmp.Or(l.Accent, "#1f5fbf"), cmp.Or(l.OnAccent, "#ffffff")
	l.AccentDark, l.OnAccentDark = cmp.Or(l.AccentDark, "#8ab8ff"), cmp.Or(l.OnAccentDark, "#000000")
	for _, colour := range []string{l.Accent, l.OnAccent, l.AccentDark, l.OnAccentDark} {
		if !hexColour.MatchString(colour) {
			return l, errors.New("a colour is not of the form #1f5fbf")
		}
	}
	if l.logoType() == "" {
		l.Logo = nil
	}
	return l, nil
}

// logoType gives the media type of a logo that mail programs show.
func (l Look) logoType() string {
	kind := http.DetectContentType(l.Logo)
	if kind != "image/png" && kind != "image/jpeg" {
		return ""
	}
	return kind
}

// logoID names the logo within an email (RFC 2392).
const logoID = "logo@invitebridge"

// logoName is what a mail program calls the logo among attachments.
func (l Look) logoName() string {
	_, kind, _ := strings.Cut(l.logoType(), "/")
	return "logo." + kind
}
