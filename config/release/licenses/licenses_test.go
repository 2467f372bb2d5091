package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestBridge: all that is linked into the bridge has a license that the project
// accepts, on every platform of a release.
func TestBridge(t *testing.T) {
	components, err := linked(t.Context(), []string{"../../../cmd/invitebridge"})
	if err != nil {
		t.Fatal(err)
	}
	document, err := render(components)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"  Go go1.", ": BSD-3-Clause\n",
		"  go.etcd.io/bbolt v1.",
		"  github.com/inconshreveable/mousetrap v1.1.0: Apache-2.0\n", // linked on Windows only
		"  github.com/hashicorp/golang-lru/v2 v2.0.7: BSD-3-Clause, MPL-2.0\n",
		"simplelru/LICENSE_list\n", // beside the package, not at the root
		"Prometheus instrumentation library for Go applications",
	} {
		if !strings.Contains(document, want) {
			t.Errorf("the document does not contain %q", want)
		}
	}
	for _, tool := range []string{"chromedp", "testscript", "invitebridge v"} {
		if strings.Contains(document, tool) {
			t.Errorf("the document lists %s, which is not linked", tool)
		}
	}
}

const mit = `Permission is hereby granted, free of charge, to any person obtaining a copy
// of this software and associated documentation files (the "Software"), to deal
// in the Software without restriction, including without limitation the rights
// to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
// copies of the Software, subject to the following conditions:
// The above copyright notice and this permission notice shall be included in all
// copies or substantial portions of the Software.`

const bsd = `Redistribution and use in source and binary forms, with or without modification, are permitted. IN NO EVENT SHALL ...`

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
		refusal    string
	}{
		{"MIT in a comment", mit, []string{"MIT"}, ""},
		{"BSD", bsd, []string{"BSD-2-Clause"}, ""},
		{"two licenses", mit + "\n" + bsd, []string{"BSD-2-Clause", "MIT"}, ""},
		{"an additional restriction", "Commons Clause License Condition v1.0\n" + mit, nil, "Commons Clause"},
		{"copyleft", "GNU Affero General Public License, version 3", nil, "GNU AFFERO"},
		{"copyleft beside a permissive license", mit + " Parts are under the GNU Lesser General Public License.", nil, "GNU LESSER"},
		{"advertising clause", bsd + " All advertising materials mentioning features or use of this software must display", nil, "advertising"},
		{"unknown", "All rights reserved.", nil, "not an accepted license"},
		{"empty", "", nil, "not an accepted license"},
	} {
		got, err := classify(c.text)
		if !slices.Equal(got, c.want) || (err == nil) != (c.refusal == "") || err != nil && !strings.Contains(err.Error(), c.refusal) {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}

func TestMissingLicense(t *testing.T) {
	module := t.TempDir()
	if err := os.Mkdir(filepath.Join(module, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"license.go": mit, "NOTICE": "Made by others.", "sub/x.go": mit} {
		if err := os.WriteFile(filepath.Join(module, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := component{name: "example.com/m", version: "v1.0.0", root: module}
	if err := c.collect(filepath.Join(module, "sub")); err != nil {
		t.Fatal(err)
	}
	if _, err := render([]component{c}); err == nil || !strings.Contains(err.Error(), "example.com/m v1.0.0: no license text") {
		t.Errorf("render: %v", err)
	}
}
