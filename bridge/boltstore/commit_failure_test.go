package boltstore

import (
	"context"
	"errors"
	"runtime"
	"syscall"
	"testing"

	"invitebridge/bridge"

	"go.etcd.io/bbolt"
)

func TestCommitFails(t *testing.T) {
	s := fresh(t)
	update(t, s, inviting(0))
	s.commitTx = func(btx *bbolt.Tx) error { return errors.Join(btx.Rollback(), syscall.EROFS) }
	for n, err := range updateTogether(t, s, inviting(1), inviting(2), func(bridge.Tx) error { return bridge.ErrRowNotFound }) {
		// The last one too: the row that it did not find may have been deleted by
		// a lost write.
		if !errors.Is(err, syscall.EROFS) {
			t.Errorf("%d: %v", n, err)
		}
	}
	if err := s.Update(context.Background(), func(bridge.Tx) error { return bridge.ErrRowNotFound }); !errors.Is(err, bridge.ErrRowNotFound) {
		t.Errorf("alone and without a write: %v", err)
	}

	// A function that runs again alone has a commit of its own, which may fail.
	tries := 0
	s.commitTx = func(btx *bbolt.Tx) error {
		if tries++; tries == 1 {
			return btx.Commit()
		}
		return errors.Join(btx.Rollback(), syscall.EROFS)
	}
	late := func(tx bridge.Tx) error {
		_, d := sample(3)
		_, _, err := tx.InvitationByToken(d)
		return errors.Join(invite(tx, 1), err)
	}
	if results := updateTogether(t, s, late, inviting(3)); !errors.Is(results[0], syscall.EROFS) || results[1] != nil {
		t.Errorf("got %v", results)
	}

	s.commitTx = (*bbolt.Tx).Commit
	update(t, s, inviting(2))
	for n, want := range []bool{true, false, true, true} {
		if has(t, s, n) != want {
			t.Errorf("sample %d is stored: %v", n, !want)
		}
	}
}

// TestCommitOfUnknownOutcome: the last sync fails, after everything was written.
func TestCommitOfUnknownOutcome(t *testing.T) {
	s := fresh(t)
	failures := 1
	s.commitTx = func(btx *bbolt.Tx) error {
		err := btx.Commit()
		if failures--; failures >= 0 {
			return errors.Join(err, syscall.EIO)
		}
		return err
	}
	update(t, s, inviting(1)) // made durable by an additional commit

	failures = 2
	if err := s.Update(context.Background(), inviting(2)); !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v", err)
	}
	update(t, s, inviting(3))
	if !has(t, s, 1) || !has(t, s, 3) {
		t.Error("an acknowledged update is lost")
	}
}

// TestCommitPanics: bbolt panics in a commit over an invalid state of its pages.
func TestCommitPanics(t *testing.T) {
	s := open(t, t.TempDir()+"/bridge.db")
	update(t, s, inviting(0))
	s.commitTx = func(*bbolt.Tx) error { panic("page 7 already freed") }
	for range 2 {
		for n, err := range updateTogether(t, s, inviting(1), inviting(2)) {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("%d: %v", n, err)
			}
		}
		if err := s.Ping(context.Background()); !errors.Is(err, ErrCorrupt) {
			t.Errorf("Ping: %v", err)
		}
	}
	if !has(t, s, 0) {
		t.Error("a view fails")
	}
	if err := s.Close(); !errors.Is(err, ErrCorrupt) { // and does not wait forever
		t.Errorf("Close: %v", err)
	}
}

// TestFunctionCallsGoexit: a function ends its goroutine, as a failing test does.
func TestFunctionCallsGoexit(t *testing.T) {
	s := fresh(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Update(context.Background(), func(tx bridge.Tx) error {
			_ = invite(tx, 1)
			runtime.Goexit()
			return nil
		})
	}()
	<-ended
	update(t, s, inviting(2))
	if has(t, s, 1) {
		t.Error("its write was stored")
	}
}

// TestBrokenWriteIsNotKept: a function ignores an error of bbolt.
func TestBrokenWriteIsNotKept(t *testing.T) {
	s := fresh(t)
	inv, _ := sample(1)
	results := updateTogether(t, s, inviting(2), func(btx bridge.Tx) error {
		_ = btx.PutInvitation(inv)
		btx.(*tx).put(tokensBucket, make([]byte, bbolt.MaxKeySize+1), nil)
		if err := btx.PutInvitation(inv); err == nil {
			t.Error("a write after the failed one succeeds")
		}
		return nil
	})
	if results[0] != nil || results[1] == nil || !has(t, s, 2) {
		t.Error(results)
	}
	err := s.View(context.Background(), func(tx bridge.Tx) error {
		_, err := tx.Invitation(inv.ID)
		return err
	})
	if !errors.Is(err, bridge.ErrRowNotFound) {
		t.Errorf("half of a write was stored: %v", err)
	}
}
