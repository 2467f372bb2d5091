package page

import (
	"regexp"
	"slices"
	"testing"
)

// The colours of the built-in style keep to WCAG 2 on both grounds: text 4.5,
// the edges of fields 3.
func TestContrast(t *testing.T) {
	if c := contrast("#767676", "#ffffff"); c < 4.54 || c > 4.55 {
		t.Errorf("#767676 on white: %.3f", c)
	}
	if textOn("#000000") != "#ffffff" || textOn("#ffff00") != "#000000" {
		t.Error("text on an accent is the harder to read")
	}
	found := map[string][]string{} // by name: light, dark
	for _, m := range regexp.MustCompile(`--([a-z]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(builtinStyle, -1) {
		found[m[1]] = append(found[m[1]], m[2])
	}
	for mode, grounds := range [][]string{groundsLight, groundsDark} {
		if got := []string{found["card"][mode], found["ground"][mode]}; !slices.Equal(got, grounds) {
			t.Fatalf("the style has the grounds %v, accents are measured on %v", got, grounds)
		}
		colours := map[string]float64{[]string{accentLight, accentDark}[mode]: minContrast, found["line"][mode]: 3}
		for _, name := range []string{"text", "soft", "bad", "good"} {
			colours[found[name][mode]] = minContrast
		}
		for colour, least := range colours {
			for _, ground := range grounds {
				if c := contrast(colour, ground); c < least {
					t.Errorf("%s on %s: %.2f", colour, ground, c)
				}
			}
		}
	}
}
