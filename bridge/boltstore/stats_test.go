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

// TestOnCommit: each commit is reported once, with its error, however many updates
// share it; without a commit, nothing is reported.
func TestOnCommit(t *testing.T) {
	var reported []error
	path := filepath.Join(t.TempDir(), "bridge.db")
	s, err := Open(path, OnCommit(func(took time.Duration, err error) {
		if took <= 0 {
			t.Errorf("it took %s", took)
		}
		reported = append(reported, err)
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	expect := func(what string, want ...error) {
		t.Helper()
		if len(reported) != len(want) {
			t.Fatalf("%s: got %v, want %v", what, reported, want)
		}
		for i, err := range reported {
			if !errors.Is(err, want[i]) {
				t.Errorf("%s: got %v, want %v", what, reported, want)
			}
		}
		reported = nil
	}

	updateTogether(t, s, inviting(1), inviting(2), inviting(3))
	expect("a group", nil)
	update(t, s, inviting(1))
	expect("no change")
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
	size, before, err := s.Size()
	if err != nil || size != info.Size() || size < 4*pageSize {
		t.Errorf("got %d, %v; the file has %d bytes", size, err, info.Size())
	}

	// What is deleted becomes free space, and still is after a restart.
	const many = 200
	update(t, s, func(tx bridge.Tx) (err error) {
		for n := range many {
			err = errors.Join(err, invite(tx, n))
		}
		return err
	})
	update(t, s, func(tx bridge.Tx) (err error) {
		for n := range many {
			inv, _ := sample(n)
			err = errors.Join(err, tx.DeleteInvitation(inv.ID))
		}
		return err
	})
	_, after, err := s.Size()
	if err != nil || after < before+20*pageSize {
		t.Errorf("%d bytes are free after %d deletions, %d before; %v", after, many, before, err)
	}
	path := s.db.Path()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	defer func() { _ = s.Close() }()
	if _, again, err := s.Size(); err != nil || again < after-4*pageSize {
		t.Errorf("%d bytes are free after a restart, %d before; %v", again, after, err)
	}
}
