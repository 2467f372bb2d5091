package pagetest

import (
	"fmt"
	"slices"
)

// contrast looks at each text that is seen.
func contrast(s *survey) (found []Violation) {
	for i := range s.Elements {
		e := &s.Elements[i]
		if !e.Seen || e.Disabled || s.up(i, func(e *element) bool { return e.Opacity == 0 }) {
			continue
		}
		texts := e.Drawn
		if e.Words != "" || e.Value != "" {
			texts = append(texts, writing{e.Words, e.Color, e.Size, e.Weight})
		}
		for _, w := range texts {
			needed := 4.5
			if w.Size >= 24 || (w.Size >= 18.66 && w.Weight >= 700) {
				needed = 3
			}
			seen, ground, _, known := s.painted(i, w.Color)
			if !known {
				found = append(found, Violation{RuleContrast, e.Name, "stands on a picture, whose colours nobody knows"})
			} else if r := ratio(seen, ground); r < needed {
				found = append(found, Violation{RuleContrast, e.Name, fmt.Sprintf("has a contrast of %.2f, not %v", r, needed)})
			}
		}
	}
	return found
}

// links looks at those within a text.
func links(s *survey) (found []Violation) {
	for i := range s.Elements {
		e := &s.Elements[i]
		if e.Role != "link" || !e.Seen || !s.flows(i) || e.Underlined {
			continue
		}
		around := &s.Elements[e.Parent]
		seen, _, _, _ := s.painted(i, e.Color)
		beside, _, _, _ := s.painted(e.Parent, around.Color)
		if e.Weight < around.Weight+300 && ratio(seen, beside) < 3 {
			found = append(found, Violation{RuleLinkColour, e.Name, "is not underlined, nor 3 to 1 from the text around it"})
		}
	}
	return found
}

// flows says whether an element stands in a line of text.
func (s *survey) flows(i int) bool {
	e := &s.Elements[i]
	return e.Inline && e.Parent >= 0 && s.Elements[e.Parent].Words != ""
}

// controls looks whether a field can be told from what is around it, by its
// border or its ground. What the browser draws itself is its own affair.
func controls(s *survey) (found []Violation) {
	for i := range s.Elements {
		e := &s.Elements[i]
		drawn := e.typed() || e.Tag == "select" || (e.field() && !e.Native)
		if !e.Seen || e.Disabled || !drawn {
			continue
		}
		_, ground, around, _ := s.painted(i, colour{})
		best := ratio(ground, around)
		for _, b := range e.Borders {
			best = max(best, ratio(b.Color.over(around), around))
		}
		if best < 3 {
			found = append(found, Violation{RuleControl, e.Name, fmt.Sprintf("has a border of %.2f to 1, not 3", best)})
		}
	}
	return found
}

// targets looks at the size of what is to be hit.
func targets(s *survey) (found []Violation) {
	for i := range s.Elements {
		e := &s.Elements[i]
		if !e.Seen || !e.Operable || e.Disabled || (e.Role == "link" && s.flows(i)) {
			continue
		}
		rule, needed := RuleTarget, 24.0
		if e.typed() || e.Tag == "select" || e.Tag == "button" || e.Attributes["role"] == "button" || slices.Contains([]string{"submit", "button", "reset"}, e.Attributes["type"]) {
			rule, needed = RuleTargetEnhanced, 44
		}
		box := e.Box
		if !e.typed() && e.field() { // the label of what is ticked is hit as well
			for _, l := range e.Labels {
				box = union(box, s.Elements[l].Box)
			}
		}
		if width, height := box[2], box[3]; width < needed-0.5 || height < needed-0.5 {
			if min(width, height) < 24-0.5 {
				rule = max(rule, RuleTarget)
			}
			found = append(found, Violation{rule, e.Name, fmt.Sprintf("is %.0f by %.0f, not %v", width, height, needed)})
		}
	}
	return found
}

func union(a, b [4]float64) [4]float64 {
	left, top := min(a[0], b[0]), min(a[1], b[1])
	right, bottom := max(a[0]+a[2], b[0]+b[2]), max(a[1]+a[3], b[1]+b[3])
	return [4]float64{left, top, right - left, bottom - top}
}

// clipped looks for texts that are cut off where they stand.
func clipped(s *survey) []Violation { return cut(s, RuleClipped, nil) }

// cut finds what is cut off, but for what had been before.
func cut(s *survey, rule Rule, before *survey) (found []Violation) {
	for i := range s.Elements {
		e := &s.Elements[i]
		if e.Seen && e.Clipped && !e.field() && s.says(i) != "" && (before == nil || i >= len(before.Elements) || !before.Elements[i].Clipped) {
			found = append(found, Violation{rule, e.Name, "cuts its text off"})
		}
	}
	return found
}
