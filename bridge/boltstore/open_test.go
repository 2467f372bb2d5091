package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"

	"go.etcd.io/bbolt"
)

// storeFile creates a store with a few rows, closes it and returns its path.
func storeFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bridge.db")
	s := open(t, path)
	for first := range 5 {
		update(t, s, func(tx bridge.Tx) error {
			for n := first * 20; n < first*20+20; n++ {
				state := bridge.MessageStates()[n%4]
				if err := errors.Join(invite(tx, n), tx.PutMessage(message(n, state))); err != nil {
					return err
				}
			}
			return nil
		})
	}
	update(t, s, importing)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, path string)
		want  error
	}{
		"empty":                     {cut(0), ErrEmpty},
		"one byte":                  {cut(1), ErrNotAStore},
		"less than a page":          {cut(1000), ErrCorrupt},
		"one page":                  {cut(pageSize), ErrCorrupt},
		"two pages":                 {cut(2 * pageSize), ErrCorrupt},
		"cut in the middle":         {cut(-2), ErrCorrupt},
		"a byte short":              {cutUsed, ErrCorrupt},
		"garbage":                   {garbage(100_000), ErrNotAStore},
		"a little garbage":          {garbage(50), ErrNotAStore},
		"a text":                    {write("hello\n"), ErrNotAStore},
		"zeroes":                    {write(string(make([]byte, 1<<20))), ErrNotAStore},
		"first page smashed":        {smash(0), ErrCorrupt},
		"second page smashed":       {smash(1), ErrCorrupt},
		"both first pages smashed":  {both(smash(0), smash(1)), ErrNotAStore},
		"a bit flipped in page one": {flip(20), ErrCorrupt},
		"a bit flipped in page two": {flip(pageSize + 60), ErrCorrupt},
		"free list smashed":         {smashFree, ErrCorrupt},
		"endless free list":         {endlessFree, ErrCorrupt},
		"another program's bbolt":   {foreign, ErrNotAStore},
		"header of another program": {header(`{"program":"other","format":1}`), ErrNotAStore},
		"header that is not JSON":   {header("\x00"), ErrNotAStore},
		"header that is missing":    {header(""), ErrNotAStore},
		"header without instance":   {header(`{"program":"invitebridge","format":1}`), ErrCorrupt},
		"format zero":               {header(`{"program":"invitebridge","instance_id":"0197a3c2-0000-7000-8000-000000000000"}`), ErrCorrupt},
		"newer format":              {header(fmt.Sprintf(`{"program":"invitebridge","format":%d,"instance_id":{"new":"shape"}}`, format+1)), ErrNewerFormat},
		"moved":                     {seal, ErrMoved},
		"moved by a newer format":   {header(fmt.Sprintf(`{"program":"invitebridge","format":%d,"moved_to":{"new":"shape"}}`, sealedBy+format+1)), ErrNewerFormat},
		"moved to nowhere":          {header(`{"program":"invitebridge","format":1003,"instance_id":"0197a3c2-0000-7000-8000-000000000000"}`), ErrCorrupt},
		"moved in an older format":  {header(`{"program":"invitebridge","format":3,"instance_id":"0197a3c2-0000-7000-8000-000000000000","moved_to":"x"}`), ErrCorrupt},
		"a bucket missing":          {edit(func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("expiring")) }), ErrCorrupt},
		"a fence missing":           {edit(func(tx *bbolt.Tx) error { return statesBucket.in(tx).Delete(highFence) }), ErrCorrupt},
		"a directory":               {directory, ErrNotAStore},
	} {
		t.Run(name, func(t *testing.T) {
			path := storeFile(t)
			c.spoil(t, path)
			before := content(t, path)
			for range 2 {
				s, err := Open(path)
				if err == nil {
					_ = s.Close()
					t.Fatal("it was opened")
				}
				if !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
				if !strings.Contains(err.Error(), path+": ") {
					t.Errorf("%q does not name the file, or does not say what to do", err)
				}
				if !bytes.Equal(before, content(t, path)) {
					t.Error("the file was changed")
				}
			}
			checkNoLeftovers(t, path)
		})
	}
}

// TestOpenSmashedAnywhere overwrites each page with garbage in turn: Open refuses
// the file and leaves it unchanged, or every later read and write returns the
// right result or ErrCorrupt.
func TestOpenSmashedAnywhere(t *testing.T) {
	original := storeFile(t)
	truth := truths(t, original)
	pages := usedPages(t, original)
	refusals, met := 0, 0
	for page := range pages {
		path := filepath.Join(t.TempDir(), "bridge.db")
		write(string(content(t, original)))(t, path)
		smash(page)(t, path)
		before := content(t, path)
		s, err := Open(path)
		if err == nil {
			err = s.Close()
		} else if refusals++; !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), path+": ") {
			t.Errorf("page %d: %v", page, err)
		}
		if !bytes.Equal(before, content(t, path)) {
			t.Errorf("page %d: the file was changed", page)
		}
		if err != nil {
			continue
		}
		s = open(t, path)
		if survive(t, s, truth) {
			met++
		}
		if err := s.Close(); err != nil && !s.commitPanicked {
			t.Errorf("page %d: %v", page, err)
		}
	}
	t.Logf("of %d damaged pages, %d were detected by Open and %d later", pages, refusals, met)
	if refusals < 4 || met < 10 { // the two meta pages, the root, the list of free pages
		t.Errorf("only %d and %d of %d damaged pages were detected", refusals, met, pages)
	}
}

func TestOpenInUse(t *testing.T) {
	path := storeFile(t)
	s := open(t, path)
	_, err := Open(path)
	if !errors.Is(err, ErrInUse) {
		t.Errorf("got %v, want %v", err, ErrInUse)
	}
	if wait := inspectTimeout + lockTimeout; wait > time.Second {
		t.Errorf("Open waits for up to %s", wait)
	}
	update(t, s, func(tx bridge.Tx) error { return invite(tx, 1000) }) // the first store still works

	// Open waits for a store that is being closed.
	for range 5 { // on a busy machine the Close may come too late
		closing, closed := s, make(chan struct{})
		time.AfterFunc(200*time.Millisecond, func() { _ = closing.Close(); close(closed) })
		s, err = Open(path)
		if <-closed; err == nil {
			break
		}
		s = open(t, path)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	checkFile(t, path)
}

func TestOpenCannotCreate(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink(filepath.Join(dir, "nowhere.db"), link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "no", "such", "bridge.db"): "create it",
		link: "no such file",
	} {
		_, err := Open(path)
		if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	checkNoLeftovers(t, link)
}

func TestOpenNew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bridge.db")
	before := time.Now().Add(-time.Millisecond)
	s := open(t, path)
	h := s.Header()
	if h.Program != program || h.Format != format || h.CreatedAt.Before(before) || h.CreatedAt.After(time.Now()) {
		t.Errorf("header %+v", h)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != fileMode {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	checkNoLeftovers(t, path)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	if s.Header() != h {
		t.Errorf("reopened, the header is %+v, want %+v", s.Header(), h)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	other := fresh(t)
	if other.Header().InstanceID == h.InstanceID {
		t.Error("two stores have the same instance id")
	}
}

// TestOpenNewConcurrently creates the same file many times at once. No Open may
// replace a file that another has written to.
func TestOpenNewConcurrently(t *testing.T) {
	openNewConcurrently(t, ErrInUse)
}

// openNewConcurrently opens one new file from several goroutines: each must store
// an invitation or fail with one of the errors.
func openNewConcurrently(t *testing.T, may ...error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bridge.db")
	results := make(chan error)
	for n := range 8 {
		go func() {
			s, err := Open(path)
			if err == nil {
				err = errors.Join(s.Update(context.Background(), func(tx bridge.Tx) error { return invite(tx, n) }), s.Close())
			}
			results <- err
		}()
	}
	written := 0
	for range 8 {
		switch err := <-results; {
		case err == nil:
			written++
		case !slices.ContainsFunc(may, func(m error) bool { return errors.Is(err, m) }):
			t.Error(err)
		}
	}
	s := open(t, path)
	defer func() { _ = s.Close() }()
	err := s.View(context.Background(), func(tx bridge.Tx) error {
		list, err := tx.ListInvitations(bridge.InvitationQuery{Limit: 100})
		if len(list) != written || written == 0 {
			t.Errorf("%d goroutines wrote, %d rows are stored", written, len(list))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	checkNoLeftovers(t, path)
}

// TestOpenAfterCrash opens the file that a killed process leaves: a copy of it
// while the store is open.
func TestOpenAfterCrash(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "bridge.db"))
	defer func() { _ = s.Close() }()
	for n := range 8 {
		update(t, s, func(tx bridge.Tx) error { return invite(tx, n) })
		left := filepath.Join(dir, fmt.Sprintf("left-%d.db", n))
		if err := os.WriteFile(left, content(t, filepath.Join(dir, "bridge.db")), fileMode); err != nil {
			t.Fatal(err)
		}
		after := open(t, left)
		_, d := sample(n)
		err := after.View(context.Background(), func(tx bridge.Tx) error {
			_, _, err := tx.InvitationByToken(d)
			return err
		})
		if err := errors.Join(err, after.Close()); err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		checkFile(t, left)
	}
}
