package boltstore

import (
	"context"
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
