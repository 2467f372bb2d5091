package pagetest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	// aboutPeople finds fields that are about who fills them in.
	aboutPeople = regexp.MustCompile(`(?i)pass|mail|user|name|phone|tel`)
	// purposes are those of the specification's tokens that an account has.
	purposes = []string{
		"name", "given-name", "family-name", "nickname", "username", "new-password", "current-password",
		"one-time-code", "organization", "email", "tel",
	}
	roles = []string{
		"alert", "alertdialog", "application", "article", "banner", "button", "checkbox", "combobox", "complementary",
		"contentinfo", "definition", "dialog", "document", "feed", "figure", "form", "generic", "group", "heading", "img",
		"link", "list", "listitem", "log", "main", "meter", "navigation", "none", "note", "presentation", "progressbar",
		"radio", "radiogroup", "region", "search", "separator", "status", "switch", "term", "textbox", "timer", "tooltip",
	}
)

// typed says whether an element takes what an invitee types.
func (e *element) typed() bool {
	switch e.Tag {
	case "textarea":
		return true
	case "input":
		return slices.Contains([]string{"", "text", "email", "password", "tel", "url", "search", "number"}, e.Attributes["type"])
	}
	return false
}

// field says whether an element is one that needs a label beside it.
func (e *element) field() bool {
	tick := e.Tag == "input" && (e.Attributes["type"] == "checkbox" || e.Attributes["type"] == "radio")
	return e.typed() || tick || e.Tag == "select"
}

// fields looks at labels, purposes and whether a password manager may help.
func fields(s *survey) (found []Violation) {
	for i := range s.Elements {
		e := &s.Elements[i]
		about := aboutPeople.MatchString(e.Attributes["type"] + " " + e.Attributes["name"] + " " + e.Attributes["id"])
		if tokens := strings.Fields(e.Attributes["autocomplete"]); e.typed() && about && (len(tokens) == 0 || !slices.Contains(purposes, tokens[len(tokens)-1])) {
			found = append(found, Violation{RulePurpose, e.Name, fmt.Sprintf("has the autocomplete %q", e.Attributes["autocomplete"])})
		}
		if !e.Pasted {
			found = append(found, Violation{RulePaste, e.Name, "takes no paste"})
		}
		labelled := slices.ContainsFunc(slices.Concat(e.Labels, e.LabelledBy), func(l int) bool { return l >= 0 && s.says(l) != "" })
		if e.field() && e.Seen && e.Label != "" && !labelled {
			found = append(found, Violation{RuleLabel, e.Name, "has no label to be seen"})
		}
	}
	return found
}

// names looks at what a screen reader calls what can be operated.
func names(s *survey) (found []Violation) {
	for i := range s.Elements {
		e := &s.Elements[i]
		if role := e.Attributes["role"]; role != "" && !slices.Contains(roles, role) {
			found = append(found, Violation{RuleName, e.Name, "has the role " + role + ", which is none"})
		}
		if !e.Operable || !e.Rendered {
			continue
		}
		if s.up(i, func(e *element) bool { return e.Attributes["aria-hidden"] == "true" }) {
			if e.TabIndex >= 0 && !e.Disabled {
				found = append(found, Violation{RuleHidden, e.Name, "can have the focus, and screen readers do not find it"})
			}
			continue
		}
		if e.Label == "" {
			found = append(found, Violation{RuleName, e.Name, "has no name"})
			continue
		}
		says := s.says(i)
		for _, l := range e.Labels {
			says = s.says(l)
		}
		if !strings.Contains(folded(e.Label), folded(says)) {
			found = append(found, Violation{RuleLabelInName, e.Name, fmt.Sprintf("says %q and is called %q", says, e.Label)})
		}
	}
	return found
}

func folded(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

// invalid looks whether a field that is wrong says what is wrong, and whether
// an invitee who does not see hears of it.
func invalid(s *survey) (found []Violation) {
	var wrong []int
	told := false
	for i := range s.Elements {
		e := &s.Elements[i]
		if invalid := e.Attributes["aria-invalid"]; !e.Seen || invalid == "" || invalid == "false" {
			continue
		}
		wrong = append(wrong, i)
		told = told || e.Active
		said := false
		for _, m := range slices.Concat(e.DescribedBy, e.ErrorMessage) {
			if m >= 0 && s.says(m) != "" {
				said = true
				told = told || s.up(m, live)
			}
		}
		if !said {
			found = append(found, Violation{RuleError, e.Name, "is wrong, and no text beside it says why"})
		}
	}
	summary := slices.ContainsFunc(s.Elements, func(e element) bool { return e.Active && e.Attributes["tabindex"] == "-1" })
	if len(wrong) > 0 && len(found) == 0 && !told && !summary {
		found = append(found, Violation{RuleStatus, s.Elements[wrong[0]].Name, "is wrong, is not focused, and what says so is in no live region"})
	}
	return found
}

func live(e *element) bool {
	role, aria := e.Attributes["role"], e.Attributes["aria-live"]
	return slices.Contains([]string{"alert", "status", "log"}, role) && aria != "off" || aria == "polite" || aria == "assertive"
}

// regions looks whether live regions were there before they had words.
func regions(s *survey) (found []Violation) {
	for _, late := range s.Late {
		found = append(found, Violation{RuleStatus, late, "became a live region with words in it, which are not read out"})
	}
	return found
}
