package pagetest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var languageTag = regexp.MustCompile(`^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$`)

// document checks the language, title, viewport and refresh of a page.
func document(s *survey) (found []Violation) {
	if !languageTag.MatchString(s.Language) {
		found = append(found, Violation{RuleLanguage, "html", fmt.Sprintf("has the language %q", s.Language)})
	}
	if s.Title == "" {
		found = append(found, Violation{RuleTitle, "", "no title"})
	}
	if len(s.Viewport) != 1 {
		found = append(found, Violation{RuleZoom, "", fmt.Sprintf("%d elements set the viewport, want 1", len(s.Viewport))})
	}
	for _, content := range s.Viewport {
		if reason := blocksZoom(content); reason != "" {
			found = append(found, Violation{RuleZoom, "meta[name=viewport]", reason})
		}
	}
	for _, content := range s.Refresh {
		if delay, _, _ := strings.Cut(strings.NewReplacer(",", ";").Replace(content), ";"); strings.TrimSpace(delay) != "0" {
			found = append(found, Violation{RuleTiming, "meta[http-equiv=refresh]", "waits " + delay + " s"})
		}
	}
	return found
}

// blocksZoom returns why a viewport setting prevents zooming, or "".
func blocksZoom(content string) string {
	settings := make(map[string]string)
	for setting := range strings.SplitSeq(content, ",") {
		key, value, _ := strings.Cut(setting, "=")
		settings[strings.ToLower(strings.TrimSpace(key))] = strings.ToLower(strings.TrimSpace(value))
	}
	largest, err := strconv.ParseFloat(settings["maximum-scale"], 64)
	switch {
	case settings["width"] != "device-width":
		return "does not have the width of the device"
	case settings["user-scalable"] == "no" || settings["user-scalable"] == "0":
		return "forbids zooming"
	case err == nil && largest < 2:
		return "forbids zooming beyond " + settings["maximum-scale"]
	}
	return ""
}

// landmarks checks that there is one main landmark, and the outline of headings.
func landmarks(s *survey) (found []Violation) {
	mains, firsts, level := 0, 0, 0
	for i := range s.Elements {
		e := &s.Elements[i]
		switch e.Role {
		case "main":
			mains++
		case "heading":
			if e.Label == "" {
				found = append(found, Violation{RuleHeadings, e.Name, "is an empty heading"})
			}
			if e.Level == 1 {
				firsts++
			}
			if e.Level > level+1 {
				found = append(found, Violation{RuleHeadings, e.Name, fmt.Sprintf("has level %d after level %d", e.Level, level)})
			}
			level = e.Level
		}
	}
	if mains != 1 {
		found = append(found, Violation{RuleLandmark, "", fmt.Sprintf("%d main landmarks, want 1", mains)})
	}
	if firsts != 1 {
		found = append(found, Violation{RuleHeadings, "", fmt.Sprintf("%d headings of level 1, want 1", firsts)})
	}
	return found
}

// references checks that ids are unique and that referenced ids exist.
func references(s *survey) (found []Violation) {
	ids := make(map[string]int)
	for i := range s.Elements {
		e := &s.Elements[i]
		if id, ok := e.Attributes["id"]; ok {
			if ids[id]++; ids[id] == 2 {
				found = append(found, Violation{RuleID, e.Name, "has the id of another element"})
			}
		}
		if slices.Contains(slices.Concat(e.LabelledBy, e.DescribedBy, e.ErrorMessage, e.For), -1) {
			found = append(found, Violation{RuleReference, e.Name, "refers to an element that does not exist"})
		}
	}
	return found
}

// images checks that images have a text alternative or are marked as decorative.
// Browsers invent a name where there is none.
func images(s *survey) (found []Violation) {
	for i := range s.Elements {
		e := &s.Elements[i]
		picture := e.Tag == "img" || e.Tag == "svg" || e.Attributes["role"] == "img" || (e.Tag == "input" && e.Attributes["type"] == "image")
		if !picture || !e.Rendered || s.anyAncestor(i, hidden) || (e.Tag == "img" && e.has("alt") && e.Attributes["alt"] == "") {
			continue
		}
		if e.Label == "" {
			found = append(found, Violation{RuleAlternative, e.Name, "has no text alternative and is not marked as decorative"})
		}
	}
	return found
}

func hidden(e *element) bool {
	role := e.Attributes["role"]
	return e.Attributes["aria-hidden"] == "true" || role == "presentation" || role == "none"
}
