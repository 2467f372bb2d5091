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

// storeFile makes a store with a few rows, closed, and gives its path.
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
		"one byte":                  {cut(1), ErrForeign},
		"less than a page":          {cut(1000), ErrDamaged},
		"one page":                  {cut(pageSize), ErrDamaged},
		"two pages":                 {cut(2 * pageSize), ErrDamaged},
		"cut in the middle":         {cut(-2), ErrDamaged},
		"a byte short":              {cutUsed, ErrDamaged},
		"garbage":                   {garbage(100_000), ErrForeign},
		"a little garbage":          {garbage(50), ErrForeign},
		"a text":                    {write("hello\n"), ErrForeign},
		"zeroes":                    {write(string(make([]byte, 1<<20))), ErrForeign},
		"first page smashed":        {smash(0), ErrDamaged},
		"second page smashed":       {smash(1), ErrDamaged},
		"both first pages smashed":  {both(smash(0), smash(1)), ErrForeign},
		"a bit flipped in page one": {flip(20), ErrDamaged},
		"a bit flipped in page two": {flip(pageSize + 60), ErrDamaged},
		"list of free pages":        {smashFree, ErrDamaged},
		"list of endless length":    {endlessFree, ErrDamaged},
		"another program's bbolt":   {foreign, ErrForeign},
		"header of another program": {header(`{"program":"other","format":1}`), ErrForeign},
		"header that is no JSON":    {header("\x00"), ErrForeign},
		"header that is missing":    {header(""), ErrForeign},
		"header without instance":   {header(`{"program":"invitebridge","format":1}`), ErrDamaged},
		"format zero":               {header(`{"program":"invitebridge","instance_id":"0197a3c2-0000-7000-8000-000000000000"}`), ErrDamaged},
		"newer format":              {header(fmt.Sprintf(`{"program":"invitebridge","format":%d,"instance_id":{"new":"shape"}}`, format+1)), ErrNewer},
		"a bucket missing":          {edit(func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("expiring")) }), ErrDamaged},
		"a fence missing":           {edit(func(tx *bbolt.Tx) error { return statesBucket.in(tx).Delete(highFence) }), ErrDamaged},
		"a directory":               {directory, ErrForeign},
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
					t.Errorf("%q does not say which file, or what to do", err)
				}
				if !bytes.Equal(before, content(t, path)) {
					t.Error("the file was changed")
				}
			}
			alone(t, path)
		})
	}
}

// TestOpenSmashedAnywhere has any page be garbage: the file is refused and left
// as it was, or opens and gives the truth or ErrDamaged, whatever is read or
// written.
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
		} else if refusals++; !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), path+": ") {
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
		if err := s.Close(); err != nil {
			t.Errorf("page %d: %v", page, err)
		}
	}
	t.Logf("of %d pages, %d were missed at once and %d later", pages, refusals, met)
	if refusals < 4 || met < 10 { // the two meta pages, the root, the list of free pages
		t.Errorf("only %d and %d of %d pages matter", refusals, met, pages)
	}
}

func TestOpenInUse(t *testing.T) {
	path := storeFile(t)
	s := open(t, path)
	start := time.Now()
	_, err := Open(path)
	if took := time.Since(start); took > 1200*time.Millisecond {
		t.Errorf("it took %v", took)
	}
	if !errors.Is(err, ErrInUse) {
		t.Errorf("got %v, want %v", err, ErrInUse)
	}
	update(t, s, func(tx bridge.Tx) error { return invite(tx, 1000) }) // the first is not harmed

	// One that is being closed is waited for.
	time.AfterFunc(200*time.Millisecond, func() { _ = s.Close() })
	if s, err = Open(path); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	checkFile(t, path)
}

func TestOpenWithoutAPlace(t *testing.T) {
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
	alone(t, link)
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
	alone(t, path)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	if s.Header() != h {
		t.Errorf("reopened, the header is %+v, not %+v", s.Header(), h)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	other := fresh(t)
	if other.Header().InstanceID == h.InstanceID {
		t.Error("two stores have one instance id")
	}
}

// TestOpenNewAtOnce has many make the same file. Nobody may put a file in the
// place of one that somebody has written to.
func TestOpenNewAtOnce(t *testing.T) {
	openNewAtOnce(t, ErrInUse)
}

// openNewAtOnce has each of them store something, or fail with one of the errors.
func openNewAtOnce(t *testing.T, may ...error) {
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
		list, err := tx.ListInvitations(bridge.Query{Limit: 100})
		if len(list) != written || written == 0 {
			t.Errorf("%d wrote, %d rows are there", written, len(list))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	alone(t, path)
}

// TestOpenAfterAStop opens what a process leaves that is killed: the file as it
// is while the store is open.
func TestOpenAfterAStop(t *testing.T) {
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
