package pagetest

import "fmt"

// Violation is one thing that is wrong on a page.
type Violation struct {
	Rule  Rule
	Where string // a selector of the element, or "" for the page
	What  string // what was found there
}

func (v Violation) String() string {
	if v.Where == "" {
		return fmt.Sprintf("%s: %s", v.Rule, v.What)
	}
	return fmt.Sprintf("%s: %s %s", v.Rule, v.Where, v.What)
}

// Rule is what is asked of a page, by the number of its success criterion in
// WCAG 2.2.
type Rule string

// The rules. All are of level A or AA, but for two that the page keeps besides:
// targets of 44 pixels, and no motion where it is not wanted.
const (
	RuleAlternative    Rule = "1.1.1 alternative"     // images have a text, or say that they need none
	RuleLandmark       Rule = "1.3.1 landmark"        // one main
	RuleHeadings       Rule = "1.3.1 headings"        // one h1, no level left out, none empty
	RuleReference      Rule = "1.3.1 reference"       // what refers to another element finds it
	RuleID             Rule = "1.3.1 id"              // an id is of one element
	RuleSequence       Rule = "1.3.2 sequence"        // what comes first stands above
	RulePurpose        Rule = "1.3.5 purpose"         // fields about the invitee have an autocomplete
	RuleLinkColour     Rule = "1.4.1 link colour"     // links in a text differ by more than a colour
	RuleContrast       Rule = "1.4.3 contrast"        // of texts, 4.5 to 1, or 3 where they are large
	RuleZoom           Rule = "1.4.4 zoom"            // the viewport is the device's, and may be enlarged
	RuleReflow         Rule = "1.4.10 reflow"         // nothing to scroll sideways at 320 pixels
	RuleClipped        Rule = "1.4.10 clipped"        // no text is cut off
	RuleControl        Rule = "1.4.11 control"        // where a field is can be seen, 3 to 1
	RuleFocusContrast  Rule = "1.4.11 focus contrast" // and where the focus is
	RuleSpacing        Rule = "1.4.12 spacing"        // no text is cut off when set wider
	RuleKeyboard       Rule = "2.1.1 keyboard"        // all that can be operated is reached by Tab
	RuleTrap           Rule = "2.1.2 trap"            // and left again
	RuleTiming         Rule = "2.2.1 timing"          // a page goes on at once or not at all
	RuleMotion         Rule = "2.3.3 motion"          // nothing moves where that is not wanted
	RuleTitle          Rule = "2.4.2 title"           // the page has one
	RuleFocusOrder     Rule = "2.4.3 focus order"     // Tab goes in the order of the document
	RuleFocusVisible   Rule = "2.4.7 focus visible"   // each stop shows that it is one
	RuleFocusObscured  Rule = "2.4.11 focus obscured" // and is not covered
	RuleLabelInName    Rule = "2.5.3 label in name"   // what is read out has the words that are seen
	RuleTargetEnhanced Rule = "2.5.5 target"          // buttons and fields are 44 pixels high
	RuleTarget         Rule = "2.5.8 target"          // all else that can be hit, 24
	RuleLanguage       Rule = "3.1.1 language"        // the document names its own
	RuleError          Rule = "3.3.1 error"           // a field that is wrong says what is wrong
	RuleLabel          Rule = "3.3.2 label"           // fields have a label that is seen
	RulePaste          Rule = "3.3.8 paste"           // a password can be pasted
	RuleName           Rule = "4.1.2 name"            // controls have a name, and a role that exists
	RuleHidden         Rule = "4.1.2 hidden"          // what has the focus is not hidden from screen readers
	RuleStatus         Rule = "4.1.3 status"          // news is read out
)

// Check looks at the page as it is rendered, through the browser's
// accessibility tree and computed styles, in the size and scheme of the tab,
// and then walks it with the Tab key. It leaves the page with the focus where
// that walk ended, and otherwise as it was.
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
	found = append(found, tab.narrow(s)...)
	found = append(found, tab.spaced(s)...)
	found = append(found, tab.still()...)
	return append(found, tab.walk(s)...)
}
