package config_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"invitebridge/config"
)

var update = flag.Bool("update", false, "update docs/configuration.md")

const reference = "../docs/configuration.md"

// The table below this heading is generated; the text above it is not.
const referenceHeading = "## Every key\n"

const referenceColumns = `
| key | default | | meaning |
|---|---|---|---|
`

// TestReference compares docs/configuration.md with the schema, and so with the
// code.
func TestReference(t *testing.T) {
	page, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	head, _, ok := strings.Cut(string(page), referenceHeading)
	if !ok {
		t.Fatalf("%s has no heading %q", reference, referenceHeading)
	}
	var text strings.Builder
	text.WriteString(head + referenceHeading + referenceColumns)
	writeReference(&text, "", parsedSchema(t))
	if *update {
		if err := os.WriteFile(reference, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		page = []byte(text.String())
	}
	if diff := cmp.Diff(text.String(), string(page)); diff != "" {
		t.Errorf("update it with: go test ./config -run Reference -update\n(-schema +file):\n%s", diff)
	}
}

// writeReference writes a row for each key that is not a section, in
// alphabetical order.
func writeReference(out *strings.Builder, key string, n node) {
	for _, name := range slices.Sorted(maps.Keys(n.Properties)) {
		property := n.Properties[name]
		path := strings.TrimPrefix(key+"."+name, ".")
		if property.Properties != nil {
			writeReference(out, path, property)
			continue
		}
		mark := ""
		if config.Reloadable(strings.ReplaceAll(path, "[]", "")) {
			mark = "●"
		}
		fmt.Fprintf(out, "| `%s` | %s | %s | %s |\n", path, shownDefault(path, property.Default), mark, meaning(property))
		if property.Items != nil {
			writeReference(out, path+"[]", *property.Items)
		}
	}
}

func shownDefault(path string, value any) string {
	if permissions, ok := value.(float64); ok && strings.HasSuffix(path, "socket.mode") {
		return fmt.Sprintf("`%O`", int(permissions))
	}
	text, _ := json.Marshal(value)
	switch string(text) {
	case "null", `""`:
		return ""
	}
	return "`" + strings.Trim(string(text), `"`) + "`"
}

func meaning(n node) string {
	text := n.Title + "."
	if n.Description != "" {
		text = n.Title + ": " + n.Description
	}
	if n.Enum != nil {
		text += " One of " + strings.Join(slices.DeleteFunc(slices.Clone(n.Enum), func(v string) bool { return v == "" }), ", ") + "."
	}
	return strings.ReplaceAll(text, "|", "\\|")
}

// TestCommonKeys compares the common keys in docs/configuration.md and their
// defaults with the schema.
func TestCommonKeys(t *testing.T) {
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## Common keys")
	table, _, _ = strings.Cut(table, "\n## ")
	rows := regexp.MustCompile("(?m)^\\| `([a-z_.]+)`[^|]*\\| ([^|]*) \\|").FindAllStringSubmatch(table, -1)
	if len(rows) < 10 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		n := parsedSchema(t)
		for name := range strings.SplitSeq(row[1], ".") {
			property, ok := n.Properties[name]
			if !ok {
				t.Errorf("there is no key %s", row[1])
			}
			n = property
		}
		if shown := strings.TrimSpace(row[2]); strings.HasPrefix(shown, "`") && shown != shownDefault(row[1], n.Default) {
			t.Errorf("the default of %s is %s, not %s", row[1], shownDefault(row[1], n.Default), shown)
		}
	}
}

// foreign matches examples in the docs that configure other programs.
var foreign = regexp.MustCompile(`^(scrape_configs:|# values\.yaml|# kratos\.yml)`)

// TestExamples: every configuration shown in the README and the docs is valid.
func TestExamples(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, page := range append(pages, "../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for i, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			if foreign.MatchString(block[1]) {
				continue
			}
			count++
			file := filepath.Join(t.TempDir(), "example.yml")
			example := strings.ReplaceAll(block[1], "whsec_…", "whsec_Y2FuYXJ5LWhvb2stc2VjcmV0LW9mLXRoaXJ0eS10d28=")
			if err := os.WriteFile(file, []byte(example), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := config.Load(config.Options{Files: []string{file}, Dev: true}); err != nil {
				t.Errorf("%s, example %d: %v", page, i+1, err)
			}
		}
	}
	if count < 4 {
		t.Errorf("%d examples", count)
	}
}
