package boltstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"invitebridge/bridge"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
)

// purgedFile returns a store of which most was deleted.
func purgedFile(t *testing.T) string {
	t.Helper()
	path := storeFile(t)
	s := open(t, path)
	for n := range 90 {
		update(t, s, func(tx bridge.Tx) error {
			inv, _ := sample(n)
			return tx.DeleteInvitation(inv.ID)
		})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// everything returns all buckets of a file, with their sequences and rows.
func everything(t *testing.T, path string) map[string]string {
	t.Helper()
	db, err := bbolt.Open(path, fileMode, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	all := map[string]string{}
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			all[string(name)] = fmt.Sprint(b.Sequence())
			return b.ForEach(func(k, v []byte) error {
				all[fmt.Sprintf("%s %x", name, k)] = string(v)
				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// compacts checks that a file can be compacted, and that it then has the same
// rows in less space.
func compacts(t *testing.T, path string) {
	t.Helper()
	want := everything(t, path)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	result, err := Compact(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Compacted{path, before.Size(), after.Size()}, result); diff != "" {
		t.Error(diff)
	}
	if after.Mode() != before.Mode() {
		t.Errorf("the mode was %v and is %v", before.Mode(), after.Mode())
	}
	if diff := cmp.Diff(want, everything(t, path)); diff != "" {
		t.Error(diff)
	}
	checkNoLeftovers(t, path)
	checkFile(t, path)
}

func TestCompact(t *testing.T) {
	path := purgedFile(t)
	used := usedPages(t, path)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	compacts(t, path)
	if now := usedPages(t, path); now > used/2 {
		t.Errorf("%d pages of %d are in use", now, used)
	}
	compacts(t, path)
	s := open(t, path)
	update(t, s, inviting(1000))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	checkFile(t, path)
}

// TestCompact_many copies so many rows that it takes several commits.
func TestCompact_many(t *testing.T) {
	path := storeFile(t)
	edit(func(tx *bbolt.Tx) error {
		for n := range byte(7) {
			if err := probeBucket.in(tx).Put([]byte{n}, make([]byte, copyStep/2-1000)); err != nil {
				return err
			}
		}
		return nil
	})(t, path)
	want := everything(t, path)
	steps := map[string]int{}
	c := compactor{freeSpace, func(step string) { steps[step]++ }}
	if _, err := c.run(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, everything(t, path)); diff != "" {
		t.Error(diff)
	}
	if extra := steps["copying"] - len(layout); extra != 2 {
		t.Errorf("%d additional commits, want 2", extra)
	}
}

func TestCompact_link(t *testing.T) {
	path := purgedFile(t)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	used := usedPages(t, path)
	result, err := Compact(context.Background(), link)
	if err != nil || result.Path != path || usedPages(t, path) >= used {
		t.Errorf("%+v, %v", result, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link is now %v, %v", info, err)
	}
	checkNoLeftovers(t, path)
	checkNoLeftovers(t, link)
}

// TestOpenReplaced: a file that another process replaces between the opening and
// the locking is not used, for what it stores would be lost.
func TestOpenReplaced(t *testing.T) {
	path, other := storeFile(t), storeFile(t)
	o := boltOptions(lockTimeout)
	openFile := o.OpenFile
	o.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		file, err := openFile(name, flag, mode)
		return file, errors.Join(err, os.Rename(other, path))
	}
	if _, err := openBolt(path, o); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v", err)
	}
	checkFile(t, path)
}

// TestCompactAfterCompact: a second compaction begins as soon as the first has
// replaced the file. The first leaves the second's copy alone.
func TestCompactAfterCompact(t *testing.T) {
	path := purgedFile(t)
	copied, ended, second := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	first := compactor{freeSpace, func(step string) {
		if step != "renamed" {
			return
		}
		go func() {
			_, err := compactor{freeSpace, func(step string) {
				if step == "copied" {
					close(copied)
					<-ended
				}
			}}.run(context.Background(), path)
			second <- err
		}()
		<-copied
	}}
	_, err := first.run(context.Background(), path)
	close(ended)
	if err := errors.Join(err, <-second); err != nil {
		t.Fatal(err)
	}
	checkNoLeftovers(t, path)
	checkFile(t, path)
}

// TestCompactReplaced: while the copy is built, a backup is put in the place of the
// file, which needs no lock. It stays.
func TestCompactReplaced(t *testing.T) {
	path, backup := purgedFile(t), storeFile(t)
	want := everything(t, backup)
	c := plainCompactor()
	c.reached = func(step string) {
		if step == "complete" {
			if err := os.Rename(backup, path); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := c.run(context.Background(), path); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(want, everything(t, path)); diff != "" {
		t.Errorf("the backup was overwritten:\n%.300s", diff)
	}
	checkNoLeftovers(t, path)
}
