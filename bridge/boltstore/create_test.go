package boltstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestPlace: what another has put there stays, with hard links or without.
func TestPlace(t *testing.T) {
	for name, fake := range map[string]func(string, string) error{
		"with hard links": os.Link,
		"without":         func(string, string) error { return syscall.EPERM },
	} {
		t.Run(name, func(t *testing.T) {
			link = fake
			t.Cleanup(func() { link = os.Link })
			dir := t.TempDir()
			put := func(name, text string) string {
				path := filepath.Join(dir, name)
				write(text)(t, path)
				return path
			}
			path := filepath.Join(dir, "bridge.db")
			if err := place(put("one", "1"), path); err != nil || string(content(t, path)) != "1" {
				t.Fatal(err)
			}
			if err := place(put("two", "2"), path); !errors.Is(err, fs.ErrExist) || string(content(t, path)) != "1" {
				t.Errorf("%v, and now it is %s", err, content(t, path))
			}
			// One that could not be placed leaves the name free.
			other := filepath.Join(dir, "other.db")
			if err := place(filepath.Join(dir, "none"), other); err == nil || !missing(other) {
				t.Errorf("of nothing: %v", err)
			}
		})
	}
}

// TestOpenNewWithoutLinks has many make the same file where there are no hard
// links.
func TestOpenNewWithoutLinks(t *testing.T) {
	link = func(string, string) error { return syscall.EPERM }
	t.Cleanup(func() { link = os.Link })
	openNewAtOnce(t, ErrInUse, ErrEmpty) // the name is taken by an empty file first
}
