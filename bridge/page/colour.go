package page

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// The built-in accents, and the grounds of builtin/style.css that links stand
// on: the card and what is around it.
const (
	accentLight = "#1f5fbf"
	accentDark  = "#8ab8ff"
)

var (
	groundsLight = []string{"#ffffff", "#f3f4f6"}
	groundsDark  = []string{"#1a2027", "#11151a"}
)

// minContrast is what WCAG 2 asks of text at level AA.
const minContrast = 4.5

// Accents are the colours of buttons and links, as #rrggbb, and of the texts on
// buttons; the latter two on a dark ground.
type Accents struct{ Light, OnLight, Dark, OnDark string }

// NewAccents checks a team's colours, and fills in what it left empty.
func NewAccents(light, dark string) (Accents, error) {
	if dark == "" && hexColour.MatchString(light) {
		dark = lightened(light, groundsDark)
	}
	light, lightErr := accent("accent_color", light, accentLight, "light", "darker", groundsLight)
	dark, darkErr := accent("accent_color_dark", dark, accentDark, "dark", "lighter", groundsDark)
	if err := errors.Join(lightErr, darkErr); err != nil {
		return Accents{}, err
	}
	return Accents{light, textOn(light), dark, textOn(dark)}, nil
}

// accents gives the style sheet's colours of buttons and links.
func accents(light, dark string) (string, error) {
	a, err := NewAccents(light, dark)
	if err != nil {
		return "", err
	}
	const rule = ":root { --accent: %s; --on-accent: %s; }\n"
	return fmt.Sprintf(rule+"@media (prefers-color-scheme: dark) { "+rule+"}\n", a.Light, a.OnLight, a.Dark, a.OnDark), nil
}

var hexColour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func accent(setting, colour, builtin, mode, remedy string, grounds []string) (string, error) {
	if colour == "" {
		return builtin, nil
	}
	if !hexColour.MatchString(colour) {
		return "", fmt.Errorf("%s: %q is not a colour such as %s", setting, colour, builtin)
	}
	for _, ground := range grounds {
		if c := contrast(colour, ground); c < minContrast {
			return "", fmt.Errorf("%s: links in %s are hard to read on the %s ground %s: their contrast is %.2f and must be %.1f; choose a %s colour",
				setting, colour, mode, ground, math.Floor(c*100)/100, minContrast, remedy)
		}
	}
	return colour, nil
}

// lightened mixes a colour with as little white as makes it readable on the
// grounds.
func lightened(colour string, grounds []string) string {
	const steps = 64
	mixed := colour
	for white := 1; white <= steps && contrastOn(grounds, mixed) < minContrast; white++ {
		part := func(at int) int { c := channel(colour, at); return c + (255-c)*white/steps }
		mixed = fmt.Sprintf("#%02x%02x%02x", part(1), part(3), part(5))
	}
	return mixed
}

// contrastOn gives the contrast on the ground where it is least.
func contrastOn(grounds []string, colour string) float64 {
	least := math.Inf(1)
	for _, ground := range grounds {
		least = min(least, contrast(colour, ground))
	}
	return least
}

// textOn gives black or white, whichever is easier to read.
func textOn(colour string) string {
	if contrast(colour, "#ffffff") >= contrast(colour, "#000000") {
		return "#ffffff"
	}
	return "#000000"
}

// contrast of two colours as WCAG 2 defines it, from 1 to 21.
func contrast(a, b string) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(colour string) float64 {
	part := func(at int) float64 {
		c := float64(channel(colour, at)) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(1) + 0.7152*part(3) + 0.0722*part(5)
}

// channel reads two digits of a colour.
func channel(colour string, at int) int {
	n, err := strconv.ParseUint(colour[at:at+2], 16, 8)
	if err != nil {
		return 0
	}
	return int(n)
}
