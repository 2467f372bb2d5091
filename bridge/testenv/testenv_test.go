package testenv_test

import (
	"os"
	"strings"
	"testing"
)

// TestShortIsForCheckAlone: what "make check" leaves out, "make test" and CI run.
func TestShortIsForCheckAlone(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	target := ""
	for line := range strings.Lines(string(makefile)) {
		recipe := strings.HasPrefix(line, "\t")
		if name, _, found := strings.Cut(line, ":"); found && !recipe {
			target = name
		}
		if recipe && strings.Contains(line, "-short") != (target == "check" && strings.Contains(line, " test ")) {
			t.Errorf("target %s: %s", target, line)
		}
	}
	ci, err := os.ReadFile("../../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(ci)) {
		if !strings.HasPrefix(line, "#") && (strings.Contains(line, "-short") || strings.Contains(line, "make check") || strings.HasPrefix(line, "tested check")) {
			t.Errorf(".ci/run: %s", line)
		}
	}
	if !strings.Contains(string(ci), "\ntested test ") {
		t.Error(`.ci/run does not run "make test"`)
	}
}
