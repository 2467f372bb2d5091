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
	if got, err := findChromium(); !errors.Is(err, errNoChromium) {
		t.Errorf("found %q, %v although there is no browser", got, err)
	}
	t.Setenv(EnvChromium, program)
	if got, err := findChromium(); got != program || err != nil {
		t.Errorf("found %q, %v", got, err)
	}
	t.Setenv(EnvChromium, "no-such-browser")
	if got, err := findChromium(); err == nil || errors.Is(err, errNoChromium) {
		t.Errorf("found %q, %v although the named program does not exist", got, err)
	}
	for _, name := range []string{"google-chrome", "chromium"} {
		if err := os.Rename(program, filepath.Join(empty, name)); err != nil {
			t.Fatal(err)
		}
		program = filepath.Join(empty, name)
		t.Setenv(EnvChromium, "")
		if got, err := findChromium(); got != program || err != nil {
			t.Errorf("found %q, %v", got, err)
		}
	}
}
