package config

import (
	"fmt"
	"strings"
)

// Error is every problem of a configuration, in the order they were found:
// files, then environment, then what is wrong with the result.
type Error struct {
	Problems []Problem
}

// Error returns one line for each problem, below a line that counts them.
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

// Problem is one thing to mend. It never holds a configured value.
type Problem struct {
	// Source is "file:line", a file, or the name of an environment variable;
	// empty for a key nobody set.
	Source string
	// Key is the dotted path, such as "serve.admin.api_keys[0].name"; empty if
	// the problem is that of a whole source.
	Key string
	// Text says what to do. It reads on from Source and Key.
	Text string
}

// String joins the parts that are there, as "source: key: text".
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
