package pagetest

import (
	"fmt"
	"slices"
)

// contrast checks the contrast of all visible text.
func contrast(s *survey) (found []Violation) {
	for i := range s.Elements {
		e := &s.Elements[i]
		if !e.Seen || e.Disabled || s.anyAncestor(i, func(e *element) bool { return e.Opacity == 0 }) {
			continue
		}
		texts := e.Drawn
		if e.Words != "" || e.Value != "" {
			texts = append(texts, drawnText{e.Words, e.Color, e.Size, e.Weight})
		}
		for _, w := range texts {
			needed := 4.5
			if w.Size >= 24 || (w.Size >= 18.66 && w.Weight >= 700) {
				needed = 3
			}
			seen, ground, _, known := s.painted(i, w.Color)
			if !known {
				found = append(found, Violation{RuleContrast, e.Name, "is on a picture, so its contrast cannot be determined"})
			} else if r := ratio(seen, ground); r < needed {
				found = append(found, Violation{RuleContrast, e.Name, fmt.Sprintf("has a contrast of %.2f, want %v", r, needed)})
			}
		}
	}
	return found
}

// links checks that links within text do not differ by color alone.
func links(s *survey) (found []Violation) {
	for i := range s.Elements {
		e := &s.Elements[i]
		if e.Role != "link" || !e.Seen || !s.inTextLine(i) || e.Underlined {
			continue
		}
		around := &s.Elements[e.Parent]
		seen, _, _, _ := s.painted(i, e.Color)
		beside, _, _, _ := s.painted(e.Parent, around.Color)
		if e.Weight < around.Weight+300 && ratio(seen, beside) < 3 {
			found = append(found, Violation{RuleLinkColor, e.Name, "is not underlined and has less than 3 to 1 contrast to the text around it"})
		}
	}
	return found
}

// inTextLine reports whether an element is part of a line of text.
func (s *survey) inTextLine(i int) bool {
	e := &s.Elements[i]
	return e.Inline && e.Parent >= 0 && s.Elements[e.Parent].Words != ""
}

// controls checks that fields are distinguishable from their surroundings by border
// or background. Controls drawn by the browser itself are not checked.
func controls(s *survey) (found []Violation) {
	for i := range s.Elements {
		e := &s.Elements[i]
		drawn := e.takesText() || e.Tag == "select" || (e.isField() && !e.Native)
		if !e.Seen || e.Disabled || !drawn {
			continue
		}
		_, ground, around, _ := s.painted(i, rgba{})
		best := ratio(ground, around)
		for _, b := range e.Borders {
			best = max(best, ratio(b.Color.over(around), around))
		}
		if best < 3 {
			found = append(found, Violation{RuleControl, e.Name, fmt.Sprintf("has a border contrast of %.2f to 1, want 3", best)})
		}
	}
	return found
}

// targets checks the size of clickable elements.
func targets(s *survey) (found []Violation) {
	for i := range s.Elements {
		e := &s.Elements[i]
		if !e.Seen || !e.Operable || e.Disabled || (e.Role == "link" && s.inTextLine(i)) {
			continue
		}
		rule, needed := RuleTarget, 24.0
		if e.takesText() || e.Tag == "select" || e.Tag == "button" || e.Attributes["role"] == "button" || slices.Contains([]string{"submit", "button", "reset"}, e.Attributes["type"]) {
			rule, needed = RuleTargetEnhanced, 44
		}
		box := e.Box
		if !e.takesText() && e.isField() { // clicking the label of a checkbox works too
			for _, l := range e.Labels {
				box = union(box, s.Elements[l].Box)
			}
		}
		if width, height := box[2], box[3]; width < needed-0.5 || height < needed-0.5 {
			if min(width, height) < 24-0.5 {
				rule = max(rule, RuleTarget)
			}
			found = append(found, Violation{rule, e.Name, fmt.Sprintf("is %.0f by %.0f, want %v", width, height, needed)})
		}
	}
	return found
}

func union(a, b [4]float64) [4]float64 {
	left, top := min(a[0], b[0]), min(a[1], b[1])
	right, bottom := max(a[0]+a[2], b[0]+b[2]), max(a[1]+a[3], b[1]+b[3])
	return [4]float64{left, top, right - left, bottom - top}
}

// clipped finds text that is cut off.
func clipped(s *survey) []Violation { return newlyClipped(s, RuleClipped, nil) }

// newlyClipped finds text that is cut off, except where it already was in before.
func newlyClipped(s *survey, rule Rule, before *survey) (found []Violation) {
	for i := range s.Elements {
		e := &s.Elements[i]
		if e.Seen && e.Clipped && !e.isField() && s.visibleText(i) != "" && (before == nil || i >= len(before.Elements) || !before.Elements[i].Clipped) {
			found = append(found, Violation{rule, e.Name, "cuts off its text"})
		}
	}
	return found
}
