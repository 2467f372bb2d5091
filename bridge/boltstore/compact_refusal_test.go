package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// refusesToCompact checks that compacting fails and changes nothing.
func refusesToCompact(ctx context.Context, t *testing.T, c compactor, path string, want error) error {
	t.Helper()
	before := content(t, path)
	_, err := c.run(ctx, path)
	if !errors.Is(err, want) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want %v and the path", err, want)
	}
	if !bytes.Equal(before, content(t, path)) {
		t.Error("the file was changed")
	}
	checkNoLeftovers(t, path)
	return err
}

func plainCompactor() compactor { return compactor{freeSpace, func(string) {}} }

func TestCompact_inUse(t *testing.T) {
	path := purgedFile(t)
	s := open(t, path)
	_ = refusesToCompact(context.Background(), t, plainCompactor(), path, ErrInUse)
	update(t, s, inviting(1000))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	compacts(t, path)

	// Nobody can open it until it is replaced.
	c := plainCompactor()
	tried := map[string]bool{}
	c.reached = func(step string) {
		if step == "renamed" || tried[step] {
			return
		}
		tried[step] = true
		if _, err := Open(path); !errors.Is(err, ErrInUse) {
			t.Errorf("%s: Open returned %v", step, err)
		}
	}
	if _, err := c.run(context.Background(), path); err != nil {
		t.Error(err)
	}
}

func TestCompact_noSpace(t *testing.T) {
	path := purgedFile(t)
	c := plainCompactor()
	c.reached = func(step string) {
		if step == "copying" {
			t.Error("it began to copy")
		}
	}
	c.freeSpace = func(string) (uint64, error) { return 5 * pageSize, nil }
	err := refusesToCompact(context.Background(), t, c, path, ErrNoSpace)
	if text := fmt.Sprint(err); !strings.Contains(text, "20480 are free") {
		t.Error(text)
	}
	used := uint64(usedPages(t, path)) * pageSize
	c = plainCompactor()
	c.freeSpace = func(string) (uint64, error) { return used / 2, nil } // most pages are free
	if _, err := c.run(context.Background(), path); err != nil {
		t.Error(err)
	}
}

func TestCompact_canceled(t *testing.T) {
	path := purgedFile(t)
	for _, when := range []string{"prepared", "copying", "copied"} {
		ctx, cancel := context.WithCancel(context.Background())
		c := plainCompactor()
		c.reached = func(step string) {
			if step == when {
				cancel()
			}
		}
		_ = refusesToCompact(ctx, t, c, path, context.Canceled)
		cancel()
	}
	compacts(t, path)
}

func TestCompact_missing(t *testing.T) {
	dir := t.TempDir()
	if _, err := Compact(context.Background(), filepath.Join(dir, "bridge.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Errorf("the directory contains %v, %v", names, err)
	}
}

// TestCompact_leftover: what is not a file of an interrupted run stays.
func TestCompact_leftover(t *testing.T) {
	path := purgedFile(t)
	temp := filepath.Join(filepath.Dir(path), ".bridge.db.compacting")
	if err := os.WriteFile(temp, []byte("half"), fileMode); err != nil {
		t.Fatal(err)
	}
	compacts(t, path)
	if err := os.Mkdir(temp, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Compact(context.Background(), path); err == nil || !strings.Contains(err.Error(), temp+" is in the way") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(temp); err != nil {
		t.Error(err)
	}
}

// TestCompactSmashedAnywhere overwrites each page with garbage in turn: either
// the page is not in use, or the file is refused and not changed.
func TestCompactSmashedAnywhere(t *testing.T) {
	original := purgedFile(t)
	rows := everything(t, original)
	refusals := 0
	for page := range usedPages(t, original) {
		path := filepath.Join(t.TempDir(), "bridge.db")
		write(string(content(t, original)))(t, path)
		smash(page)(t, path)
		before := content(t, path)
		_, err := Compact(context.Background(), path)
		switch {
		case err == nil:
			if diff := cmp.Diff(rows, everything(t, path)); diff != "" {
				t.Errorf("page %d:\n%s", page, diff)
			}
		case !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNotAStore):
			t.Errorf("page %d: %v", page, err)
		case !bytes.Equal(before, content(t, path)):
			t.Errorf("page %d: the file was changed", page)
		default:
			refusals++
		}
		checkNoLeftovers(t, path)
	}
	inUse := 2 // the meta pages
	err := verifyFile(original, func(w *walker) error {
		err := errors.Join(w.free(), w.tree(w.meta.root))
		for _, seen := range w.seen {
			if seen {
				inUse++
			}
		}
		return err
	})
	if err != nil || refusals != inUse {
		t.Errorf("%d damaged pages were noticed, but %d are in use; %v", refusals, inUse, err)
	}
}
