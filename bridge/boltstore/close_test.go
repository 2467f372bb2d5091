package boltstore

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"testing"

	"invitebridge/bridge"
)

// TestCloseFinishesTheQueue closes a store while updates wait in the queue: they
// were accepted, so they are committed.
func TestCloseFinishesTheQueue(t *testing.T) {
	const waiting = 5
	path := filepath.Join(t.TempDir(), "bridge.db")
	s := open(t, path)
	results, closed := make(chan error, waiting), make(chan error, 1)
	s.committing <- struct{}{}
	for n := range waiting {
		go func() { results <- s.Update(context.Background(), inviting(n)) }()
	}
	for s.queue.len() < waiting {
		runtime.Gosched()
	}
	go func() { closed <- s.Close() }()
	for s.View(context.Background(), func(bridge.Tx) error { return nil }) == nil {
		runtime.Gosched()
	}
	select {
	case err := <-closed:
		t.Errorf("Close did not wait: %v", err)
	default:
	}
	<-s.committing
	for range waiting {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	s = open(t, path)
	defer func() { _ = s.Close() }()
	for n := range waiting {
		if !has(t, s, n) {
			t.Errorf("sample %d is lost", n)
		}
	}
}

func TestErrorsOfCalls(t *testing.T) {
	s := fresh(t)
	nothing := func(bridge.Tx) error { return nil }
	inv, d := sample(1)
	err := s.View(context.Background(), func(tx bridge.Tx) error {
		for i, err := range []error{tx.PutInvitation(inv), tx.PutToken(d, bridge.TokenRecord{}), tx.DeleteInvitation(inv.ID)} {
			if !errors.Is(err, ErrReadOnly) {
				t.Errorf("%d: got %v, want %v", i, err, ErrReadOnly)
			}
		}
		return nil
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	for i, err := range []error{s.Update(context.Background(), nothing), s.View(context.Background(), nothing), s.Ping(context.Background())} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%d: got %v, want %v", i, err, ErrClosed)
		}
	}
}
