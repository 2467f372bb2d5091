package boltstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestPublish: an existing file is never replaced, with hard links or without.
func TestPublish(t *testing.T) {
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
			if err := publish(put("one", "1"), path); err != nil || string(content(t, path)) != "1" {
				t.Fatal(err)
			}
			if err := publish(put("two", "2"), path); !errors.Is(err, fs.ErrExist) || string(content(t, path)) != "1" {
				t.Errorf("%v, and the content is %s", err, content(t, path))
			}
			// A failed publish leaves the name free.
			other := filepath.Join(dir, "other.db")
			if err := publish(filepath.Join(dir, "none"), other); err == nil || !missing(other) {
				t.Errorf("a missing file: %v", err)
			}
		})
	}
}

// TestOpenNewWithoutLinks creates the same file many times at once on a file
// system without hard links.
func TestOpenNewWithoutLinks(t *testing.T) {
	link = func(string, string) error { return syscall.EPERM }
	t.Cleanup(func() { link = os.Link })
	openNewConcurrently(t, ErrInUse, ErrEmpty) // an empty file reserves the name first
}
