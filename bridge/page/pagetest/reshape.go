package pagetest

import (
	"fmt"

	"github.com/chromedp/chromedp"
)

// checkReflow checks the page at the width that WCAG requires: that of a small
// phone, or of a screen at 400% zoom.
func (tab *Tab) checkReflow(wide *survey) (found []Violation) {
	tab.t.Helper()
	const width = 320
	usual := evaluate[float64](tab, `innerWidth`)
	tab.resize(width, 640, false)
	tab.waitUntil("a narrow window", `innerWidth === 320`)
	s := evaluate[*survey](tab, surveyScript+`.page()`)
	if s.Width > width {
		found = append(found, Violation{RuleReflow, "", fmt.Sprintf("is %.0f pixels wide in a window of %d: %s", s.Width, width, widest(s))})
	}
	found = append(found, newlyClipped(s, RuleClipped, wide)...)
	tab.resize(tab.options.Width, tab.options.Height, tab.options.Mobile)
	tab.waitUntil("the window as it was", fmt.Sprintf(`innerWidth === %v`, usual))
	return found
}

// widest returns the name of the innermost element that extends farthest to the
// right.
func widest(s *survey) string {
	name, farthest := "", 0.0
	for _, e := range s.Elements {
		if right := e.Box[0] + e.Box[2]; e.Seen && right >= farthest {
			name, farthest = e.Name, right
		}
	}
	return name
}

// checkTextSpacing checks the page with the text spacing that WCAG requires pages
// to support.
func (tab *Tab) checkTextSpacing(before *survey) []Violation {
	tab.t.Helper()
	defer tab.style(`* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }`)()
	s := evaluate[*survey](tab, surveyScript+`.page()`)
	return newlyClipped(s, RuleSpacing, before)
}

// checkMotion checks that nothing moves for users who prefer reduced motion.
func (tab *Tab) checkMotion() (found []Violation) {
	tab.t.Helper()
	tab.setMotionPreference("reduce")
	s := evaluate[*survey](tab, surveyScript+`.page()`)
	tab.setMotionPreference("no-preference")
	for _, e := range s.Elements {
		if e.Rendered && e.Moves != "" {
			found = append(found, Violation{RuleMotion, e.Name, "has motion (" + e.Moves + ") although reduced motion is preferred"})
		}
	}
	return found
}

// style adds CSS rules to the page, bypassing its content security policy, and
// returns a function that removes them.
func (tab *Tab) style(rules string) (undo func()) {
	tab.t.Helper()
	evaluate[chromedp.Void](tab, `globalThis.extra = new CSSStyleSheet(); extra.replaceSync(`+quote(rules)+`); document.adoptedStyleSheets.push(extra)`)
	return func() {
		evaluate[chromedp.Void](tab, `document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== extra)`)
	}
}
