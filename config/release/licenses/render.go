package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const heading = `Third-party licenses of the Invite Bridge

The binary contains the code below. Texts that several components share are
printed once. The source code of a component is the Go module of that name and
version.

`

// additional files have no license of their own to recognize.
var additional = regexp.MustCompile(`(?i)^(notice|patents)`)

// render returns a table of all components, then the texts. Errors: every
// component whose license is missing or not accepted.
func render(components []component) (string, error) {
	var table, texts strings.Builder
	var problems []error
	var order []string
	users := map[string][]string{} // of a text
	for _, c := range components {
		var ids []string
		for _, file := range c.files {
			content, err := os.ReadFile(file)
			if err != nil {
				return "", err
			}
			text := strings.ReplaceAll(string(content), "\r\n", "\n")
			if !additional.MatchString(filepath.Base(file)) {
				found, err := classify(text)
				if err != nil {
					problems = append(problems, fmt.Errorf("%s %s, %s: %w", c.name, c.version, c.relative(file), err))
				}
				ids = append(ids, found...)
			}
			if users[text] == nil {
				order = append(order, text)
			}
			users[text] = append(users[text], fmt.Sprintf("%s %s, %s", c.name, c.version, c.relative(file)))
		}
		if len(ids) == 0 {
			problems = append(problems, fmt.Errorf("%s %s: no license text", c.name, c.version))
		}
		slices.Sort(ids)
		fmt.Fprintf(&table, "  %s %s: %s\n", c.name, c.version, strings.Join(slices.Compact(ids), ", "))
	}
	for _, text := range order {
		fmt.Fprintf(&texts, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 78), strings.Join(users[text], "\n"), strings.Trim(text, "\n"))
	}
	return heading + table.String() + texts.String(), errors.Join(problems...)
}

func (c component) relative(file string) string {
	name, err := filepath.Rel(c.root, file)
	if err != nil {
		return file
	}
	return filepath.ToSlash(name)
}
