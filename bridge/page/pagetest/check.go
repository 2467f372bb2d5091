package pagetest

import "fmt"

// Violation is one violated rule on a page.
type Violation struct {
	Rule  Rule
	Where string // a selector of the element, or "" for the page
	What  string // the problem
}

func (v Violation) String() string {
	if v.Where == "" {
		return fmt.Sprintf("%s: %s", v.Rule, v.What)
	}
	return fmt.Sprintf("%s: %s %s", v.Rule, v.Where, v.What)
}

// Rule is a requirement for pages, named by its success criterion in WCAG 2.2.
type Rule string

// The rules. All are of level A or AA, except for two of level AAA: targets of 44
// pixels, and no motion for users who prefer reduced motion.
const (
	RuleAlternative    Rule = "1.1.1 alternative"     // images have a text alternative or are decorative
	RuleLandmark       Rule = "1.3.1 landmark"        // there is one main landmark
	RuleHeadings       Rule = "1.3.1 headings"        // one h1, no skipped level, none empty
	RuleReference      Rule = "1.3.1 reference"       // referenced elements exist
	RuleID             Rule = "1.3.1 id"              // ids are unique
	RuleSequence       Rule = "1.3.2 sequence"        // layout follows document order
	RulePurpose        Rule = "1.3.5 purpose"         // fields about the user have an autocomplete token
	RuleLinkColor      Rule = "1.4.1 link color"      // links in text differ by more than color
	RuleContrast       Rule = "1.4.3 contrast"        // of text: 4.5 to 1, or 3 for large text
	RuleZoom           Rule = "1.4.4 zoom"            // the viewport has the device's width and can be zoomed
	RuleReflow         Rule = "1.4.10 reflow"         // no horizontal scrolling at 320 pixels
	RuleClipped        Rule = "1.4.10 clipped"        // no text is cut off
	RuleControl        Rule = "1.4.11 control"        // fields stand out from their surroundings, 3 to 1
	RuleFocusContrast  Rule = "1.4.11 focus contrast" // the focus indicator too
	RuleSpacing        Rule = "1.4.12 spacing"        // no text is cut off with wider spacing
	RuleKeyboard       Rule = "2.1.1 keyboard"        // Tab reaches all controls
	RuleTrap           Rule = "2.1.2 trap"            // Tab leaves all controls
	RuleTiming         Rule = "2.2.1 timing"          // a page redirects at once or not at all
	RuleMotion         Rule = "2.3.3 motion"          // nothing moves with reduced motion
	RuleTitle          Rule = "2.4.2 title"           // the page has a title
	RuleFocusOrder     Rule = "2.4.3 focus order"     // Tab follows document order
	RuleFocusVisible   Rule = "2.4.7 focus visible"   // the focused element is marked
	RuleFocusObscured  Rule = "2.4.11 focus obscured" // the focused element is not covered
	RuleLabelInName    Rule = "2.5.3 label in name"   // names contain the visible text
	RuleTargetEnhanced Rule = "2.5.5 target"          // buttons and fields are 44 pixels high
	RuleTarget         Rule = "2.5.8 target"          // other targets are 24 pixels high
	RuleLanguage       Rule = "3.1.1 language"        // the document states its language
	RuleError          Rule = "3.3.1 error"           // invalid fields explain the problem
	RuleLabel          Rule = "3.3.2 label"           // fields have a visible label
	RulePaste          Rule = "3.3.8 paste"           // a password can be pasted
	RuleName           Rule = "4.1.2 name"            // controls have a name, and a role that exists
	RuleHidden         Rule = "4.1.2 hidden"          // focusable elements are not hidden from screen readers
	RuleStatus         Rule = "4.1.3 status"          // updates are announced
)

// Check checks the rendered page, by the browser's accessibility tree and computed
// styles, in the size and color scheme of the tab, and then steps through it with
// the Tab key. It leaves the page as it was, except for the focus.
func Check(tab *Tab) []Violation {
	tab.t.Helper()
	s := tab.survey()
	var found []Violation
	for _, rule := range []func(*survey) []Violation{
		document, landmarks, references, images, fields, names, invalid,
		contrast, links, controls, targets, clipped, regions, clickable,
	} {
		found = append(found, rule(s)...)
	}
	found = append(found, tab.checkReflow(s)...)
	found = append(found, tab.checkTextSpacing(s)...)
	found = append(found, tab.checkMotion()...)
	return append(found, tab.tabThrough(s)...)
}
