package pagetest

import (
	"fmt"

	"github.com/chromedp/chromedp"
)

// narrow looks at the page as wide as WCAG asks for: that of a small telephone,
// or of a screen that is enlarged four times.
func (tab *Tab) narrow(wide *survey) (found []Violation) {
	tab.t.Helper()
	const width = 320
	usual := evaluate[float64](tab, `innerWidth`)
	tab.size(width, 640, false)
	tab.until("a narrow window", `innerWidth === 320`)
	s := evaluate[*survey](tab, surveyor+`.page()`)
	if s.Width > width {
		found = append(found, Violation{RuleReflow, "", fmt.Sprintf("is %.0f pixels wide in a window of %d: %s", s.Width, width, widest(s))})
	}
	found = append(found, cut(s, RuleClipped, wide)...)
	tab.size(tab.options.Width, tab.options.Height, tab.options.Mobile)
	tab.until("the window as it was", fmt.Sprintf(`innerWidth === %v`, usual))
	return found
}

// widest names the innermost element that reaches farthest to the right.
func widest(s *survey) string {
	name, farthest := "", 0.0
	for _, e := range s.Elements {
		if right := e.Box[0] + e.Box[2]; e.Seen && right >= farthest {
			name, farthest = e.Name, right
		}
	}
	return name
}

// spaced looks at the page with its texts set as wide as a reader may set them.
func (tab *Tab) spaced(before *survey) []Violation {
	tab.t.Helper()
	defer tab.style(`* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }`)()
	s := evaluate[*survey](tab, surveyor+`.page()`)
	return cut(s, RuleSpacing, before)
}

// still looks whether anything moves for an invitee who does not want it.
func (tab *Tab) still() (found []Violation) {
	tab.t.Helper()
	tab.prefer("reduce")
	s := evaluate[*survey](tab, surveyor+`.page()`)
	tab.prefer("no-preference")
	for _, e := range s.Elements {
		if e.Rendered && e.Moves != "" {
			found = append(found, Violation{RuleMotion, e.Name, "has an " + e.Moves + " where no motion is wanted"})
		}
	}
	return found
}

// style adds rules to the page's, which no security policy forbids the browser,
// and returns what takes them away.
func (tab *Tab) style(rules string) (undo func()) {
	tab.t.Helper()
	evaluate[chromedp.Void](tab, `globalThis.extra = new CSSStyleSheet(); extra.replaceSync(`+quote(rules)+`); document.adoptedStyleSheets.push(extra)`)
	return func() {
		evaluate[chromedp.Void](tab, `document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== extra)`)
	}
}
