package page

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// The built-in accent colors, and the backgrounds of links in builtin/style.css:
// the card and the area around it.
const (
	accentLight = "#1f5fbf"
	accentDark  = "#8ab8ff"
)

var (
	groundsLight = []string{"#ffffff", "#f3f4f6"}
	groundsDark  = []string{"#1a2027", "#11151a"}
)

// minContrast is the contrast that WCAG 2 requires of text at level AA.
const minContrast = 4.5

// Accents holds the colors of buttons and links, and of the text on buttons, as
// #rrggbb, for light and dark mode.
type Accents struct{ Light, OnLight, Dark, OnDark string }

// NewAccents checks the configured colors and replaces empty ones by defaults.
func NewAccents(light, dark string) (Accents, error) {
	if dark == "" && hexColor.MatchString(light) {
		dark = lighten(light, groundsDark)
	}
	light, lightErr := checkAccent("accent_color", light, accentLight, "light", "darker", groundsLight)
	dark, darkErr := checkAccent("accent_color_dark", dark, accentDark, "dark", "lighter", groundsDark)
	if err := errors.Join(lightErr, darkErr); err != nil {
		return Accents{}, err
	}
	return Accents{light, textOn(light), dark, textOn(dark)}, nil
}

// accentCSS returns the CSS variables for the colors of buttons and links.
func accentCSS(light, dark string) (string, error) {
	a, err := NewAccents(light, dark)
	if err != nil {
		return "", err
	}
	const rule = ":root { --accent: %s; --on-accent: %s; }\n"
	return fmt.Sprintf(rule+"@media (prefers-color-scheme: dark) { "+rule+"}\n", a.Light, a.OnLight, a.Dark, a.OnDark), nil
}

var hexColor = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func checkAccent(setting, color, builtin, mode, remedy string, grounds []string) (string, error) {
	if color == "" {
		return builtin, nil
	}
	if !hexColor.MatchString(color) {
		return "", fmt.Errorf("%s: %q is not a color such as %s", setting, color, builtin)
	}
	for _, ground := range grounds {
		if c := contrast(color, ground); c < minContrast {
			return "", fmt.Errorf("%s: links in %s are hard to read on the %s background %s: their contrast is %.2f and must be at least %.1f; choose a %s color",
				setting, color, mode, ground, math.Floor(c*100)/100, minContrast, remedy)
		}
	}
	return color, nil
}

// lighten adds just enough white to a color to make it readable on the grounds.
func lighten(color string, grounds []string) string {
	const steps = 64
	mixed := color
	for white := 1; white <= steps && lowestContrast(grounds, mixed) < minContrast; white++ {
		part := func(at int) int { c := channel(color, at); return c + (255-c)*white/steps }
		mixed = fmt.Sprintf("#%02x%02x%02x", part(1), part(3), part(5))
	}
	return mixed
}

// lowestContrast returns the contrast on the ground where it is lowest.
func lowestContrast(grounds []string, color string) float64 {
	least := math.Inf(1)
	for _, ground := range grounds {
		least = min(least, contrast(color, ground))
	}
	return least
}

// textOn returns black or white, whichever is easier to read on a color.
func textOn(color string) string {
	if contrast(color, "#ffffff") >= contrast(color, "#000000") {
		return "#ffffff"
	}
	return "#000000"
}

// contrast returns the contrast ratio of two colors as WCAG 2 defines it, from 1
// to 21.
func contrast(a, b string) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(color string) float64 {
	part := func(at int) float64 {
		c := float64(channel(color, at)) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(1) + 0.7152*part(3) + 0.0722*part(5)
}

// channel returns the value of the two hex digits at an index of a color.
func channel(color string, at int) int {
	n, err := strconv.ParseUint(color[at:at+2], 16, 8)
	if err != nil {
		return 0
	}
	return int(n)
}
