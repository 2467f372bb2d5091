package pagetest

import "math"

// rgba is red, green, blue and alpha, each from 0 to 1.
type rgba [4]float64

// over returns the visible color of c on an opaque ground.
func (c rgba) over(ground rgba) rgba {
	for i := range 3 {
		c[i] = c[i]*c[3] + ground[i]*(1-c[3])
	}
	c[3] = 1
	return c
}

// luminance returns the relative luminance of an opaque color, as WCAG defines it.
func (c rgba) luminance() float64 {
	linear := func(v float64) float64 {
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

// ratio returns the contrast of two opaque colors, from 1 to 21.
func ratio(a, b rgba) float64 {
	light, dark := a.luminance(), b.luminance()
	if light < dark {
		light, dark = dark, light
	}
	return (light + 0.05) / (dark + 0.05)
}

// painted returns the visible color of ink in an element, the background of the
// element and the background around it. It takes the transparency of the element
// and its ancestors into account. known is false if a background is a picture.
func (s *survey) painted(i int, ink rgba) (seen, ground, around rgba, known bool) {
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
	return paint(chain, s.Canvas, ink), paint(chain, s.Canvas, rgba{}), paint(chain[:len(chain)-1], s.Canvas, rgba{}), known
}

// paint draws the layers of chain on a ground in order, and ink on top. The
// opacity of each element applies to everything inside it.
func paint(chain []*element, ground, ink rgba) rgba {
	if len(chain) == 0 {
		return ink.over(ground)
	}
	inside := paint(chain[1:], chain[0].Background.over(ground), ink)
	inside[3] = chain[0].Opacity
	return inside.over(ground)
}

// pixel returns the color of a pixel's bytes.
func pixel(b []byte) rgba {
	return rgba{float64(b[0]) / 255, float64(b[1]) / 255, float64(b[2]) / 255, 1}
}
