package mail

import (
	"cmp"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"invitebridge/bridge"
)

// Branding is the look of the built-in emails. The zero value is the default.
type Branding struct {
	Title string // of the team or its product; may be empty
	// Logo is a PNG or JPEG image. Other formats are left out, because mail
	// programs do not show them.
	Logo []byte
	// Accent is the color of the button and of links as #rrggbb, OnAccent that
	// of the text on the button. AccentDark and OnAccentDark are used in dark
	// mode. Empty: the built-in color.
	Accent, OnAccent, AccentDark, OnAccentDark string
}

var hexColor = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// complete returns the branding with defaults filled in.
func (l Branding) complete() (Branding, error) {
	l.Title = bridge.Truncate(bridge.OneLine(l.Title), bridge.MaxPersonName)
	l.Accent, l.OnAccent = cmp.Or(l.Accent, "#1f5fbf"), cmp.Or(l.OnAccent, "#ffffff")
	l.AccentDark, l.OnAccentDark = cmp.Or(l.AccentDark, "#8ab8ff"), cmp.Or(l.OnAccentDark, "#000000")
	for _, color := range []string{l.Accent, l.OnAccent, l.AccentDark, l.OnAccentDark} {
		if !hexColor.MatchString(color) {
			return l, errors.New("a color is not of the form #1f5fbf")
		}
	}
	if l.logoType() == "" {
		l.Logo = nil
	}
	return l, nil
}

// logoType returns the media type of the logo; empty: mail programs would not
// show it.
func (l Branding) logoType() string {
	kind := http.DetectContentType(l.Logo)
	if kind != "image/png" && kind != "image/jpeg" {
		return ""
	}
	return kind
}

// logoID is the Content-ID of the logo within an email (RFC 2392).
const logoID = "logo@invitebridge"

// logoName returns the file name that mail programs list the logo under.
func (l Branding) logoName() string {
	_, kind, _ := strings.Cut(l.logoType(), "/")
	return "logo." + kind
}
