package kratos

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const maxReason = 600 // bytes

// safe makes a foreign text fit for a log: one line of bounded length that
// contains no secret. Removing only the secret would reveal its position and
// length, so the whole text is replaced.
func (k call) safe(text string) string {
	for _, secret := range k.secrets {
		if secret == "" {
			continue
		}
		inJSON, _ := json.Marshal(secret) // cannot fail for a string
		inGo := strconv.Quote(secret)
		spellings := []string{secret, string(inJSON[1 : len(inJSON)-1]), inGo[1 : len(inGo)-1], url.QueryEscape(secret)}
		if slices.ContainsFunc(spellings, func(s string) bool { return strings.Contains(text, s) }) {
			return textWithheld
		}
	}
	return oneLine(text)
}

func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "…"
	}
	return text
}

// schemaError matches one line of Kratos' JSON Schema validator: the location
// in the instance, the location in the schema, and the message.
var schemaError = regexp.MustCompile(`^\s*I\[#/?([^\]]*)\] S\[[^\]]*\] (.*)$`)

// invalidInput makes the reason of a 400 readable: "traits.email: …; traits:
// …". Any text other than a validator's report is returned as one line.
func invalidInput(text string) string {
	var parts []string
	for line := range strings.Lines(text) {
		m := schemaError.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			return oneLine(text)
		}
		if m[2] == "validation failed" {
			continue // the lines below state the cause
		}
		part := m[2]
		if m[1] != "" {
			part = strings.ReplaceAll(m[1], "/", ".") + ": " + part
		}
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return oneLine(text)
	}
	return oneLine(strings.Join(parts, "; "))
}
