package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// scrubber replaces values that differ between runs with fixed ones of the same
// length, so that tables keep their layout.
type scrubber struct {
	fixed  []string // pairs of old and new
	ids    map[string]string
	tokens map[string]string
}

var (
	requestPattern  = regexp.MustCompile(`request id [0-9a-f-]{36}`)
	idPattern       = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
	linkPattern     = regexp.MustCompile(`/invite/([A-Za-z0-9_-]{22})`)
	timePattern     = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	durationPattern = regexp.MustCompile(`(duration_ms"?: ?)\d+`)
	durationCell    = regexp.MustCompile(`(2000-01-01T00:00:00Z  )\d+ +`)
)

func (s *scrubber) scrub(ts *testscript.TestScript, text string) string {
	if s.ids == nil {
		s.ids, s.tokens = make(map[string]string), make(map[string]string)
	}
	for _, link := range linkPattern.FindAllStringSubmatch(text, -1) {
		if s.tokens[link[1]] == "" {
			s.tokens[link[1]] = fmt.Sprintf("token-%016d", len(s.tokens)+1)
		}
	}
	for token, name := range s.tokens {
		text = strings.ReplaceAll(text, token, name)
	}
	text = strings.NewReplacer(s.fixed...).Replace(text)
	text = requestPattern.ReplaceAllString(text, "request id REQUEST")
	text = idPattern.ReplaceAllStringFunc(text, func(id string) string {
		if s.ids[id] == "" {
			n := len(s.ids) + 1
			s.ids[id] = fmt.Sprintf("00000000-0000-0000-0000-%012d", n)
			ts.Setenv(fmt.Sprintf("ID%d", n), id)
		}
		return s.ids[id]
	})
	text = timePattern.ReplaceAllString(text, "2000-01-01T00:00:00Z")
	text = durationPattern.ReplaceAllString(text, "${1}0")
	return durationCell.ReplaceAllString(text, "${1}0            ")
}
