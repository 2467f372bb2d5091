package bridge

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// maxTrait bounds a trait in messages, in runes.
const maxTrait = 128

// chosenTraits gives the traits that messages show, as texts by their path. What
// is missing, empty, or no text, number or truth value is left out.
func (s *Service) chosenTraits(traits json.RawMessage) map[string]string {
	chosen := make(map[string]string)
	for _, path := range s.config.MessageTraits {
		if text := Shorten(OneLine(scalar(member(traits, path))), maxTrait); text != "" {
			chosen[path] = text
		}
	}
	if len(chosen) == 0 {
		return nil // as a row without them is read
	}
	return chosen
}

// member gives the value at a dotted path; empty: there is none.
func member(raw json.RawMessage, path string) json.RawMessage {
	for name := range strings.SplitSeq(path, ".") {
		members, _ := object(raw) // none, if it is no object
		raw = members[name]
	}
	return raw
}

// scalar gives a text as it is, and a number or a truth value as JSON has it.
func scalar(raw json.RawMessage) string {
	var text string
	switch {
	case !given(raw) || raw[0] == '{' || raw[0] == '[':
		return ""
	case json.Unmarshal(raw, &text) == nil:
		return text
	}
	return string(raw)
}

// zoneName is the shape of IANA names. Files of that name are looked for.
var zoneName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$`)

// location reads an IANA name of a time zone, such as Europe/Berlin.
func location(zone string) (*time.Location, error) {
	if !zoneName.MatchString(zone) || zone == "Local" || zone == "localtime" { // the machine's own
		return nil, fmt.Errorf("no time zone %q", zone)
	}
	return time.LoadLocation(zone)
}

// LocalTime gives t as a clock in an IANA time zone shows it, and the zone in
// words: UTC, UTC+1, UTC-3:30. Where the zone is empty or not known it is UTC.
// Abbreviations such as CST have several meanings.
func LocalTime(t time.Time, zone string) (local time.Time, words string) {
	local, words = t.UTC(), "UTC"
	if l, err := location(zone); err == nil {
		local = t.In(l)
	}
	_, offset := local.Zone()
	minutes := offset / 60
	if minutes == 0 {
		return local, words
	}
	words += fmt.Sprintf("%+d", minutes/60)
	if minutes/60 == 0 && minutes < 0 {
		words = "UTC-0"
	}
	if rest := max(minutes, -minutes) % 60; rest != 0 {
		words += fmt.Sprintf(":%02d", rest)
	}
	return local, words
}
