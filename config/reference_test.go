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

var update = flag.Bool("update", false, "write docs/configuration.md anew")

const reference = "../docs/configuration.md"

const referenceHead = `# Every key of the configuration

Keys are Kratos' words wherever Kratos has the thing. A file is YAML, ` + "`-c`" + ` may be repeated, and later files win. Then
comes the environment: the variable of a key is its path in capitals, joined by ` + "`_`" + `, after ` + "`INVITEBRIDGE_`" + `; lists and
mappings are YAML or JSON there, as in ` + "`INVITEBRIDGE_SERVE_ADMIN_API_KEYS='[{name: backend, key: …}]'`" + `, and a list of
texts may have commas instead: ` + "`INVITEBRIDGE_SERVE_PUBLIC_TRUSTED_PROXIES=10.0.0.0/8,fd00::/8`" + `. An unknown key is an
error, and all problems are told at once.

Keys with a ● are taken over while the bridge runs, within some seconds of a change of a file, of what a file names
(templates, Jsonnet, certificates), or at once on SIGHUP. The others wait for a restart. If the new configuration has
problems, the last good one stays, and the log says why.

` + "`invitebridge config example`" + ` prints the same as a commented file, ` + "`config schema`" + ` as a JSON schema for editors, and
` + "`config check`" + ` tells all problems of yours.

| key | default | | meaning |
|---|---|---|---|
`

// TestReference holds docs/configuration.md to the schema, and so to the code.
func TestReference(t *testing.T) {
	var text strings.Builder
	text.WriteString(referenceHead)
	writeReference(&text, "", parsedSchema(t))
	if *update {
		if err := os.WriteFile(reference, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text.String(), string(got)); diff != "" {
		t.Errorf("write it anew with: go test ./config -run Reference -update\n(-schema +file):\n%s", diff)
	}
}

// writeReference writes a row for each key that is no section, in the order of
// the alphabet.
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

// TestReadmeTable holds the keys that the README names to the schema, with
// their defaults.
func TestReadmeTable(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## Configuration")
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

// TestReadmeExamples: what is to be copied from the README is good.
func TestReadmeExamples(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 3 {
		t.Fatalf("%d examples", len(blocks))
	}
	for i, block := range blocks {
		file := filepath.Join(t.TempDir(), "example.yml")
		example := strings.ReplaceAll(block[1], "whsec_…", "whsec_Y2FuYXJ5LWhvb2stc2VjcmV0LW9mLXRoaXJ0eS10d28=")
		if err := os.WriteFile(file, []byte(example), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Load(config.Options{Files: []string{file}, Dev: true}); err != nil {
			t.Errorf("example %d: %v", i+1, err)
		}
	}
}
