package boltstore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"invitebridge/bridge"

	"go.etcd.io/bbolt"
)

// commits counts bbolt's commits so far: each has the next number.
func commits(t testing.TB, s *Store) int {
	t.Helper()
	btx, err := s.db.Begin(false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = btx.Rollback() }()
	return btx.ID()
}

// together runs functions as Updates that all wait while another is under way,
// queued in their order, and gives their results.
func together(t testing.TB, s *Store, fns ...func(bridge.Tx) error) []error {
	t.Helper()
	results := make([]error, len(fns))
	var wg sync.WaitGroup
	s.turn <- struct{}{}
	for i, fn := range fns {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					results[i] = fmt.Errorf("recovered %v", p)
				}
			}()
			results[i] = s.Update(context.Background(), fn)
		})
		for s.queue.len() <= i {
			runtime.Gosched()
		}
	}
	<-s.turn
	wg.Wait()
	return results
}

func has(t testing.TB, s *Store, n int) bool {
	t.Helper()
	_, d := sample(n)
	err := s.View(context.Background(), func(tx bridge.Tx) error {
		_, _, err := tx.InvitationByToken(d)
		return err
	})
	if err != nil && !errors.Is(err, bridge.ErrMissing) {
		t.Fatal(err)
	}
	return err == nil
}

func TestGroupCommit(t *testing.T) {
	for waiting, want := range map[int]int{1: 1, 2: 1, 100: 1, maxGroup: 1, maxGroup + 1: 2, 3 * maxGroup: 3} {
		t.Run(fmt.Sprint(waiting, " waiting"), func(t *testing.T) {
			s := fresh(t)
			var fns []func(bridge.Tx) error
			for n := range waiting {
				fns = append(fns, inviting(n))
			}
			before := commits(t, s)
			for n, err := range together(t, s, fns...) {
				if err != nil || !has(t, s, n) {
					t.Errorf("%d: %v", n, err)
				}
			}
			if got := commits(t, s) - before; got != want {
				t.Errorf("%d updates took %d commits, want %d", waiting, got, want)
			}
		})
	}
}

func TestNothingWritten(t *testing.T) {
	s := fresh(t)
	update(t, s, inviting(1))
	before := commits(t, s)
	inv, _ := sample(1)
	for _, fn := range []func(bridge.Tx) error{
		func(bridge.Tx) error { return nil },
		inviting(1), // all as it is already
		func(tx bridge.Tx) error {
			_, err := tx.Invitation(inv.ID)
			return err
		},
	} {
		update(t, s, fn)
	}
	if err := s.Update(context.Background(), func(bridge.Tx) error { return bridge.ErrMissing }); !errors.Is(err, bridge.ErrMissing) {
		t.Error(err)
	}
	if got := commits(t, s) - before; got != 0 {
		t.Errorf("%d commits for nothing", got)
	}
}

// TestUnchangedEntries shows that a claim leaves the indexes alone that do not
// depend on it.
func TestUnchangedEntries(t *testing.T) {
	inv, _ := sample(1)
	claimed := inv
	claimed.Claim = &bridge.Claim{Until: inv.ExpiresAt}
	var same []string
	for _, e := range entries(claimed) {
		for _, old := range entries(inv) {
			if e.same(old) {
				same = append(same, layout[e.bucket].name)
			}
		}
	}
	if fmt.Sprint(same) != "[states inviters emails identities]" {
		t.Errorf("these stay: %v", same)
	}
}

// TestGroupOfAllKinds has one commit with functions that succeed, fail before
// and after writing, and panic. Each has its own end, and only its own.
func TestGroupOfAllKinds(t *testing.T) {
	s := fresh(t)
	update(t, s, inviting(0))
	_, old := sample(0)
	oldInv, _ := sample(0)
	rule := errors.New("rule")
	seen := make(map[string]int)
	read := func(tx bridge.Tx) error {
		_, _, err := tx.InvitationByToken(old)
		return err
	}
	before := commits(t, s)
	results := together(t, s,
		func(tx bridge.Tx) error { seen["good"]++; return errors.Join(invite(tx, 1), read(tx)) },
		func(bridge.Tx) error { return rule },
		func(tx bridge.Tx) error { return errors.Join(invite(tx, 2), tx.DeleteInvitation(oldInv.ID), rule) },
		func(bridge.Tx) error { panic("before writing") },
		func(tx bridge.Tx) error {
			seen["panic"]++
			_ = errors.Join(invite(tx, 3), tx.DeleteInvitation(oldInv.ID))
			panic("after writing")
		},
		// This one fails until what comes behind it is there: it runs again, alone.
		func(tx bridge.Tx) error {
			_, d := sample(4)
			_, _, err := tx.InvitationByToken(d)
			return errors.Join(invite(tx, 5), err)
		},
		func(tx bridge.Tx) error { return errors.Join(invite(tx, 4), read(tx)) },
		func(tx bridge.Tx) error { return errors.Join(invite(tx, 4), rule) },
	)
	for i, want := range []string{"<nil>", "rule", "rule", "recovered before writing", "recovered after writing", "<nil>", "<nil>", "rule"} {
		if fmt.Sprint(results[i]) != want {
			t.Errorf("%d: got %v, want %s", i, results[i], want)
		}
	}
	for n, want := range []bool{true, true, false, false, true, true} {
		if has(t, s, n) != want {
			t.Errorf("sample %d is there: %v, want %v", n, !want, want)
		}
	}
	if got := commits(t, s) - before; got != 2 {
		t.Errorf("%d commits, want one for the group and one for the latecomer", got)
	}
	if seen["good"] < 2 || seen["panic"] != 1 {
		t.Errorf("runs: %v", seen)
	}
}

func TestCommitFails(t *testing.T) {
	s := fresh(t)
	update(t, s, inviting(0))
	s.commitTx = func(btx *bbolt.Tx) error { return errors.Join(btx.Rollback(), syscall.EROFS) }
	for n, err := range together(t, s, inviting(1), inviting(2), func(bridge.Tx) error { return bridge.ErrMissing }) {
		// The last one, too: what it found missing may have been there.
		if !errors.Is(err, syscall.EROFS) {
			t.Errorf("%d: %v", n, err)
		}
	}
	if err := s.Update(context.Background(), func(bridge.Tx) error { return bridge.ErrMissing }); !errors.Is(err, bridge.ErrMissing) {
		t.Errorf("alone, and without a write: %v", err)
	}

	// One that has to run again alone has a commit of its own, which may fail.
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
	if results := together(t, s, late, inviting(3)); !errors.Is(results[0], syscall.EROFS) || results[1] != nil {
		t.Errorf("got %v", results)
	}

	s.commitTx = (*bbolt.Tx).Commit
	update(t, s, inviting(2))
	for n, want := range []bool{true, false, true, true} {
		if has(t, s, n) != want {
			t.Errorf("sample %d is there: %v", n, !want)
		}
	}
}

// TestCommitOfUnknownOutcome has the last sync fail, when all is written.
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
	update(t, s, inviting(1)) // settled by another commit

	failures = 2
	if err := s.Update(context.Background(), inviting(2)); !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v", err)
	}
	update(t, s, inviting(3))
	if !has(t, s, 1) || !has(t, s, 3) {
		t.Error("what was acknowledged is not there")
	}
}

// TestCommitPanics has bbolt find its pages in a state that makes no sense.
func TestCommitPanics(t *testing.T) {
	s := open(t, t.TempDir()+"/bridge.db")
	update(t, s, inviting(0))
	s.commitTx = func(*bbolt.Tx) error { panic("page 7 already freed") }
	for range 2 {
		for n, err := range together(t, s, inviting(1), inviting(2)) {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("%d: %v", n, err)
			}
		}
		if err := s.Ping(context.Background()); !errors.Is(err, ErrDamaged) {
			t.Errorf("Ping: %v", err)
		}
	}
	if !has(t, s, 0) {
		t.Error("a view fails")
	}
	if err := s.Close(); !errors.Is(err, ErrDamaged) { // and does not wait for ever
		t.Errorf("Close: %v", err)
	}
}

// TestFunctionEndsItsGoroutine is what a failing test does inside a function.
func TestFunctionEndsItsGoroutine(t *testing.T) {
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
		t.Error("something of it was kept")
	}
}

func TestWithdrawn(t *testing.T) {
	s := fresh(t)
	ctx, cancel := context.WithCancel(context.Background())
	ran := func(bridge.Tx) error {
		t.Error("the function ran")
		return bridge.ErrMissing
	}
	// One gives up while it waits; the other's context ends in the queue, which
	// is seen only when its turn comes.
	results := make(chan error, 2)
	s.turn <- struct{}{}
	go func() { results <- s.Update(ctx, ran) }()
	for s.queue.len() < 1 {
		runtime.Gosched()
	}
	cancel()
	if err := <-results; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	o := newOperation(ctx, ran)
	s.queue.add(o)
	s.commitNext()
	if !o.over() || !errors.Is(o.outcome(), context.Canceled) {
		t.Errorf("got %v", o.err)
	}
	if s.queue.len() != 0 {
		t.Error("something is left in the queue")
	}
}

// TestTransactionIsOver uses a Tx after its function, while bbolt's own lives
// on in the functions of others.
func TestTransactionIsOver(t *testing.T) {
	s := fresh(t)
	var kept bridge.Tx
	inv, d := sample(1)
	results := together(t, s,
		func(tx bridge.Tx) error {
			kept = tx
			return invite(tx, 1)
		},
		func(bridge.Tx) error {
			_, err := kept.Invitation(inv.ID)
			_, _, tokenErr := kept.InvitationByToken(d)
			_, pendingErr := kept.PendingInvitation(inv.Email, inv.SchemaID)
			_, listErr := kept.ListInvitations(bridge.Query{Limit: 1})
			_, dueErr := kept.ExpiringInvitations(inv.ExpiresAt, 1)
			for i, err := range []error{err, tokenErr, pendingErr, listErr, dueErr,
				kept.PutInvitation(inv), kept.PutToken(d, bridge.TokenRecord{}), kept.DeleteInvitation(inv.ID)} {
				if !errors.Is(err, errTxOver) {
					t.Errorf("%d: %v", i, err)
				}
			}
			return nil
		})
	if err := errors.Join(results...); err != nil || !has(t, s, 1) {
		t.Error(err)
	}
}

// TestBrokenWriteIsNotKept has a function overlook an error of bbolt.
func TestBrokenWriteIsNotKept(t *testing.T) {
	s := fresh(t)
	inv, _ := sample(1)
	results := together(t, s, inviting(2), func(btx bridge.Tx) error {
		_ = btx.PutInvitation(inv)
		btx.(*tx).put(tokensBucket, make([]byte, bbolt.MaxKeySize+1), nil)
		if err := btx.PutInvitation(inv); err == nil {
			t.Error("it goes on")
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
	if !errors.Is(err, bridge.ErrMissing) {
		t.Errorf("half of a write was kept: %v", err)
	}
}
