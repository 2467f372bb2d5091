package pagetest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestFind(t *testing.T) {
	empty := t.TempDir()
	program := filepath.Join(empty, "browser")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", empty)
	t.Setenv(EnvChromium, "")
	if got, err := find(); !errors.Is(err, errNoChromium) {
		t.Errorf("found %q, %v where there is none", got, err)
	}
	t.Setenv(EnvChromium, program)
	if got, err := find(); got != program || err != nil {
		t.Errorf("found %q, %v", got, err)
	}
	t.Setenv(EnvChromium, "no-such-browser")
	if got, err := find(); err == nil || errors.Is(err, errNoChromium) {
		t.Errorf("found %q, %v where another was asked for", got, err)
	}
	for _, name := range []string{"google-chrome", "chromium"} {
		if err := os.Rename(program, filepath.Join(empty, name)); err != nil {
			t.Fatal(err)
		}
		program = filepath.Join(empty, name)
		t.Setenv(EnvChromium, "")
		if got, err := find(); got != program || err != nil {
			t.Errorf("found %q, %v", got, err)
		}
	}
}
