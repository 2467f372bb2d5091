package pagetest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	// aboutPeople matches fields that ask for data about the user.
	aboutPeople = regexp.MustCompile(`(?i)pass|mail|user|name|phone|tel`)
	// purposes lists the autocomplete tokens of the HTML specification that apply to
	// an account.
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

// takesText reports whether text can be typed into an element.
func (e *element) takesText() bool {
	switch e.Tag {
	case "textarea":
		return true
	case "input":
		return slices.Contains([]string{"", "text", "email", "password", "tel", "url", "search", "number"}, e.Attributes["type"])
	}
	return false
}

// isField reports whether an element is a form field that needs a visible label.
func (e *element) isField() bool {
	tick := e.Tag == "input" && (e.Attributes["type"] == "checkbox" || e.Attributes["type"] == "radio")
	return e.takesText() || tick || e.Tag == "select"
}

// fields checks labels, autocomplete tokens and whether fields accept pasted text.
func fields(s *survey) (found []Violation) {
	for i := range s.Elements {
		e := &s.Elements[i]
		about := aboutPeople.MatchString(e.Attributes["type"] + " " + e.Attributes["name"] + " " + e.Attributes["id"])
		if tokens := strings.Fields(e.Attributes["autocomplete"]); e.takesText() && about && (len(tokens) == 0 || !slices.Contains(purposes, tokens[len(tokens)-1])) {
			found = append(found, Violation{RulePurpose, e.Name, fmt.Sprintf("has the autocomplete %q", e.Attributes["autocomplete"])})
		}
		if !e.Pasted {
			found = append(found, Violation{RulePaste, e.Name, "does not accept pasted text"})
		}
		labelled := slices.ContainsFunc(slices.Concat(e.Labels, e.LabelledBy), func(l int) bool { return l >= 0 && s.visibleText(l) != "" })
		if e.isField() && e.Seen && e.Label != "" && !labelled {
			found = append(found, Violation{RuleLabel, e.Name, "has no visible label"})
		}
	}
	return found
}

// names checks the names and roles that a screen reader announces for controls.
func names(s *survey) (found []Violation) {
	for i := range s.Elements {
		e := &s.Elements[i]
		if role := e.Attributes["role"]; role != "" && !slices.Contains(roles, role) {
			found = append(found, Violation{RuleName, e.Name, "has the unknown role " + role})
		}
		if !e.Operable || !e.Rendered {
			continue
		}
		if s.anyAncestor(i, func(e *element) bool { return e.Attributes["aria-hidden"] == "true" }) {
			if e.TabIndex >= 0 && !e.Disabled {
				found = append(found, Violation{RuleHidden, e.Name, "can be focused but is hidden from screen readers"})
			}
			continue
		}
		if e.Label == "" {
			found = append(found, Violation{RuleName, e.Name, "has no name"})
			continue
		}
		says := s.visibleText(i)
		for _, l := range e.Labels {
			says = s.visibleText(l)
		}
		if !strings.Contains(normalized(e.Label), normalized(says)) {
			found = append(found, Violation{RuleLabelInName, e.Name, fmt.Sprintf("shows %q but its name is %q", says, e.Label)})
		}
	}
	return found
}

func normalized(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

// invalid checks that an invalid field has a visible description of the problem,
// and that a screen reader announces it.
func invalid(s *survey) (found []Violation) {
	var wrong []int
	announced := false
	for i := range s.Elements {
		e := &s.Elements[i]
		if invalid := e.Attributes["aria-invalid"]; !e.Seen || invalid == "" || invalid == "false" {
			continue
		}
		wrong = append(wrong, i)
		announced = announced || e.Active
		explained := false
		for _, m := range slices.Concat(e.DescribedBy, e.ErrorMessage) {
			if m >= 0 && s.visibleText(m) != "" {
				explained = true
				announced = announced || s.anyAncestor(m, live)
			}
		}
		if !explained {
			found = append(found, Violation{RuleError, e.Name, "is invalid, but no visible text explains why"})
		}
	}
	summary := slices.ContainsFunc(s.Elements, func(e element) bool { return e.Active && e.Attributes["tabindex"] == "-1" })
	if len(wrong) > 0 && len(found) == 0 && !announced && !summary {
		found = append(found, Violation{RuleStatus, s.Elements[wrong[0]].Name, "is invalid, but is not focused, and the explanation is not in a live region"})
	}
	return found
}

func live(e *element) bool {
	role, aria := e.Attributes["role"], e.Attributes["aria-live"]
	return slices.Contains([]string{"alert", "status", "log"}, role) && aria != "off" || aria == "polite" || aria == "assertive"
}

// regions checks that live regions existed before they had text.
func regions(s *survey) (found []Violation) {
	for _, late := range s.Late {
		found = append(found, Violation{RuleStatus, late, "became a live region with text in it, which screen readers do not announce"})
	}
	return found
}
