package pagetest

import "math"

// colour is red, green, blue and alpha, each from 0 to 1.
type colour [4]float64

// over gives what is seen of a colour on an opaque ground.
func (c colour) over(ground colour) colour {
	for i := range 3 {
		c[i] = c[i]*c[3] + ground[i]*(1-c[3])
	}
	c[3] = 1
	return c
}

// luminance is the relative luminance of an opaque colour, as WCAG has it.
func (c colour) luminance() float64 {
	linear := func(v float64) float64 {
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

// ratio is the contrast of two opaque colours, from 1 to 21.
func ratio(a, b colour) float64 {
	light, dark := a.luminance(), b.luminance()
	if light < dark {
		light, dark = dark, light
	}
	return (light + 0.05) / (dark + 0.05)
}

// painted gives what is seen of ink in an element, the ground it is on, and the
// ground around the element. Transparency counts, that of what is around as
// well. known is false where a picture is in the way.
func (s *survey) painted(i int, ink colour) (seen, ground, around colour, known bool) {
	var chain []*element
	for j := i; j >= 0; j = s.Elements[j].Parent {
		chain = append([]*element{&s.Elements[j]}, chain...)
	}
	known = true
	for _, e := range chain {
		if e.Picture {
			known = false
		} else if e.Background[3] == 1 {
			known = true
		}
	}
	return paint(chain, s.Canvas, ink), paint(chain, s.Canvas, colour{}), paint(chain[:len(chain)-1], s.Canvas, colour{}), known
}

// paint puts one layer after the other on a ground, each with the opacity of
// its element over all that is in it, and ink on top.
func paint(chain []*element, ground, ink colour) colour {
	if len(chain) == 0 {
		return ink.over(ground)
	}
	inside := paint(chain[1:], chain[0].Background.over(ground), ink)
	inside[3] = chain[0].Opacity
	return inside.over(ground)
}

// pixel gives the colour of a pixel's bytes.
func pixel(b []byte) colour {
	return colour{float64(b[0]) / 255, float64(b[1]) / 255, float64(b[2]) / 255, 1}
}
