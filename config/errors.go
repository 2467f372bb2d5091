package config

import (
	"fmt"
	"strings"
)

// Error holds every problem of a configuration, in this order: files, then
// environment, then validation of the result.
type Error struct {
	Problems []Problem
}

// Error returns a line with the number of problems, then a line for each.
func (e *Error) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "the configuration has %d problem", len(e.Problems))
	if len(e.Problems) != 1 {
		text.WriteByte('s')
	}
	for _, problem := range e.Problems {
		text.WriteString("\n  " + problem.String())
	}
	return text.String()
}

// Problem is one thing to fix. It never holds a configured value, except that
// a host with non-ASCII letters is shown in its ASCII form.
type Problem struct {
	// Source is "file:line", a file, or the name of an environment variable;
	// empty for a key that is not set.
	Source string
	// Key is the dotted path, such as "serve.admin.api_keys[0].name"; empty if
	// the problem concerns a whole source.
	Key string
	// Text says what to do. It continues the sentence begun by Key.
	Text string
}

// String joins the non-empty parts as "source: key: text".
func (p Problem) String() string {
	var parts []string
	for _, part := range []string{p.Source, p.Key, p.Text} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// asError returns nil if there are no problems.
func asError(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return &Error{Problems: problems}
}
