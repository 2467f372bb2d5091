package boltstore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"invitebridge/bridge"

	"go.etcd.io/bbolt"
)

// TestOnCommit: each commit is told once, with its error, however many updates
// share it; where nothing is committed, nothing is told.
func TestOnCommit(t *testing.T) {
	var told []error
	path := filepath.Join(t.TempDir(), "bridge.db")
	s, err := Open(path, OnCommit(func(took time.Duration, err error) {
		if took <= 0 {
			t.Errorf("it took %s", took)
		}
		told = append(told, err)
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	expect := func(what string, want ...error) {
		t.Helper()
		if len(told) != len(want) {
			t.Fatalf("%s: told %v, want %v", what, told, want)
		}
		for i, err := range told {
			if !errors.Is(err, want[i]) {
				t.Errorf("%s: told %v, want %v", what, told, want)
			}
		}
		told = nil
	}

	together(t, s, inviting(1), inviting(2), inviting(3))
	expect("a group", nil)
	update(t, s, inviting(1))
	expect("nothing new")
	_ = s.Update(t.Context(), func(tx bridge.Tx) error { return errors.Join(inviting(4)(tx), os.ErrInvalid) })
	expect("a function that fails")
	full := errors.New("no space left")
	s.commitTx = func(tx *bbolt.Tx) error { return errors.Join(full, tx.Rollback()) }
	_ = s.Update(t.Context(), inviting(5))
	expect("a full disk", full)
	s.commitTx = (*bbolt.Tx).Commit
	s.health.reset()
	s.health.retry = 0
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	expect("a probe", nil)
}

func TestSize(t *testing.T) {
	s := fresh(t)
	info, err := os.Stat(s.db.Path())
	if err != nil {
		t.Fatal(err)
	}
	if size, err := s.Size(); err != nil || size != info.Size() || size < 4*pageSize {
		t.Errorf("got %d, %v; the file has %d bytes", size, err, info.Size())
	}
}
