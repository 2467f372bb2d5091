package boltstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"invitebridge/bridge/boltstore"
)

// TestProbe: Probe predicts whether Open would fail and leaves nothing behind.
func TestProbe(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "invites.db")
	if err := boltstore.Probe(path); err != nil {
		t.Errorf("a new file: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("Probe left %v, %v", entries, err)
	}
	store, err := boltstore.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := boltstore.Probe(path); err != nil {
		t.Errorf("a store that is open: %v", err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := boltstore.Probe(path); err != nil {
		t.Errorf("a store: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the store was changed: %v", err)
	}
}

func TestProbeRefused(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sealed := filepath.Join(dir, "sealed")
	if err := os.Mkdir(sealed, 0o500); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, path, want string }{
		{"no directory", filepath.Join(dir, "none", "invites.db"), "there is no directory " + dir + "/none"},
		{"a file for a directory", filepath.Join(file, "invites.db"), "not a directory"},
		{"a directory", dir, "is a directory"},
		{"an empty file", file, boltstore.ErrEmpty.Error()},
	}
	if os.Geteuid() != 0 { // root can write everywhere
		tests = append(tests, struct{ name, path, want string }{"a sealed directory", filepath.Join(sealed, "invites.db"), "write to " + sealed})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := boltstore.Probe(test.path)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if _, opened := boltstore.Open(test.path); opened == nil || errors.Is(err, boltstore.ErrEmpty) != errors.Is(opened, boltstore.ErrEmpty) {
				t.Errorf("Open: %v", opened)
			}
		})
	}
}
