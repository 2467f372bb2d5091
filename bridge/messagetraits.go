package bridge

import (
	"encoding/json"
	"fmt"
	"regexp"
	"time"
)

// maxTrait is the maximum length of a trait in messages, in runes.
const maxTrait = 128

// messageTraits returns the traits that messages show, as texts by path. Traits
// that are missing, empty, or neither string, number nor boolean are omitted.
func (s *Service) messageTraits(traits json.RawMessage) map[string]string {
	chosen := make(map[string]string)
	for _, path := range s.config.MessageTraits {
		if text := Truncate(OneLine(scalar(member(traits, path))), maxTrait); text != "" {
			chosen[path] = text
		}
	}
	if len(chosen) == 0 {
		return nil // as for a stored invitation without traits
	}
	return chosen
}

// zoneName matches IANA time zone names. It guards a lookup of files by that name.
var zoneName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$`)

// location loads a time zone by its IANA name, such as Europe/Berlin.
func location(zone string) (*time.Location, error) {
	if !zoneName.MatchString(zone) || zone == "Local" || zone == "localtime" { // the machine's own
		return nil, fmt.Errorf("no time zone %q", zone)
	}
	return time.LoadLocation(zone)
}

// LocalTime returns t in an IANA time zone, and the offset as text: UTC, UTC+1,
// UTC-3:30. Abbreviations such as CST are avoided because they are ambiguous. An
// empty or unknown zone yields UTC.
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
