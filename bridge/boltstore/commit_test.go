package boltstore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"invitebridge/bridge"
)

// commits returns the number of bbolt's commits so far, which is the id of the
// latest one.
func commits(t testing.TB, s *Store) int {
	t.Helper()
	btx, err := s.db.Begin(false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = btx.Rollback() }()
	return btx.ID()
}

// updateTogether runs functions as Updates that wait in the queue in this order
// and so share a commit, and returns their results.
func updateTogether(t testing.TB, s *Store, fns ...func(bridge.Tx) error) []error {
	t.Helper()
	results := make([]error, len(fns))
	var wg sync.WaitGroup
	s.committing <- struct{}{}
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
	<-s.committing
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
	if err != nil && !errors.Is(err, bridge.ErrRowNotFound) {
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
			for n, err := range updateTogether(t, s, fns...) {
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
		inviting(1), // unchanged
		func(tx bridge.Tx) error {
			_, err := tx.Invitation(inv.ID)
			return err
		},
	} {
		update(t, s, fn)
	}
	if err := s.Update(context.Background(), func(bridge.Tx) error { return bridge.ErrRowNotFound }); !errors.Is(err, bridge.ErrRowNotFound) {
		t.Error(err)
	}
	if got := commits(t, s) - before; got != 0 {
		t.Errorf("%d commits without a change, want 0", got)
	}
}

// TestUnchangedEntries: a claim does not change the index entries that do not
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
		t.Errorf("unchanged: %v", same)
	}
}

// TestGroupMixedResults runs functions that succeed, fail before and after
// writing, and panic in one commit. Each caller gets its own result.
func TestGroupMixedResults(t *testing.T) {
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
	results := updateTogether(t, s,
		func(tx bridge.Tx) error { seen["ok"]++; return errors.Join(invite(tx, 1), read(tx)) },
		func(bridge.Tx) error { return rule },
		func(tx bridge.Tx) error { return errors.Join(invite(tx, 2), tx.DeleteInvitation(oldInv.ID), rule) },
		func(bridge.Tx) error { panic("before writing") },
		func(tx bridge.Tx) error {
			seen["panic"]++
			_ = errors.Join(invite(tx, 3), tx.DeleteInvitation(oldInv.ID))
			panic("after writing")
		},
		// It fails until the next function's invitation is stored: it runs again,
		// alone.
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
			t.Errorf("sample %d is stored: %v, want %v", n, !want, want)
		}
	}
	if got := commits(t, s) - before; got != 2 {
		t.Errorf("%d commits, want one for the group and one for the function that runs again", got)
	}
	if seen["ok"] < 2 || seen["panic"] != 1 {
		t.Errorf("runs: %v", seen)
	}
}

func TestUpdateWithdrawn(t *testing.T) {
	s := fresh(t)
	ctx, cancel := context.WithCancel(context.Background())
	ran := func(bridge.Tx) error {
		t.Error("the function ran")
		return bridge.ErrRowNotFound
	}
	// The first is withdrawn while it waits; the context of the second ends in
	// the queue, which is noticed only when it is taken.
	results := make(chan error, 2)
	s.committing <- struct{}{}
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
	if !o.isDone() || !errors.Is(o.outcome(), context.Canceled) {
		t.Errorf("got %v", o.err)
	}
	if s.queue.len() != 0 {
		t.Error("something is left in the queue")
	}
}

// TestTransactionEnded uses a Tx after its function has returned, while bbolt's
// transaction is still open for the other functions.
func TestTransactionEnded(t *testing.T) {
	s := fresh(t)
	var kept bridge.Tx
	inv, d := sample(1)
	results := updateTogether(t, s,
		func(tx bridge.Tx) error {
			kept = tx
			return invite(tx, 1)
		},
		func(bridge.Tx) error {
			_, err := kept.Invitation(inv.ID)
			_, _, tokenErr := kept.InvitationByToken(d)
			_, pendingErr := kept.PendingInvitation(inv.Email, inv.SchemaID)
			_, listErr := kept.ListInvitations(bridge.InvitationQuery{Limit: 1})
			_, dueErr := kept.ExpiringInvitations(inv.ExpiresAt, 1)
			for i, err := range []error{err, tokenErr, pendingErr, listErr, dueErr,
				kept.PutInvitation(inv), kept.PutToken(d, bridge.TokenRecord{}), kept.DeleteInvitation(inv.ID)} {
				if !errors.Is(err, errTxEnded) {
					t.Errorf("%d: %v", i, err)
				}
			}
			return nil
		})
	if err := errors.Join(results...); err != nil || !has(t, s, 1) {
		t.Error(err)
	}
}
