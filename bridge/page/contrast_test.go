package page

import (
	"regexp"
	"slices"
	"testing"
)

// TestContrast: the colors of the built-in style meet WCAG 2 on both backgrounds:
// 4.5 for text, 3 for the borders of fields.
func TestContrast(t *testing.T) {
	if c := contrast("#767676", "#ffffff"); c < 4.54 || c > 4.55 {
		t.Errorf("#767676 on white: %.3f", c)
	}
	if textOn("#000000") != "#ffffff" || textOn("#ffff00") != "#000000" {
		t.Error("the text on an accent color is not the more readable one")
	}
	found := map[string][]string{} // by name: light, dark
	for _, m := range regexp.MustCompile(`--([a-z]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(builtinStyle, -1) {
		found[m[1]] = append(found[m[1]], m[2])
	}
	for mode, grounds := range [][]string{groundsLight, groundsDark} {
		if got := []string{found["card"][mode], found["ground"][mode]}; !slices.Equal(got, grounds) {
			t.Fatalf("the style has the backgrounds %v, but accents are checked on %v", got, grounds)
		}
		colors := map[string]float64{[]string{accentLight, accentDark}[mode]: minContrast, found["line"][mode]: 3}
		for _, name := range []string{"text", "soft", "bad", "good"} {
			colors[found[name][mode]] = minContrast
		}
		for color, least := range colors {
			for _, ground := range grounds {
				if c := contrast(color, ground); c < least {
					t.Errorf("%s on %s: %.2f", color, ground, c)
				}
			}
		}
	}
}
