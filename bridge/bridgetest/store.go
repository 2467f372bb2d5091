package bridgetest

import (
	"context"
	"errors"
	"io"
	"sync"

	"invitebridge/bridge"
)

// Store is a real store whose updates can be made to fail, as with a full disk.
type Store struct {
	bridge.Store
	mu    sync.Mutex
	fail  func(nth int) error
	nth   int
	call  func()
	lose  error
	hide  error
	twice bool
}

// RunTwice makes each update run its function twice. The first run is rolled back, as
// stores do after a conflict.
func (s *Store) RunTwice() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.twice = true
}

var errRolledBack = errors.New("rolled back")

// FailCommits makes each update fail with err after its function has run, as if the
// commit had failed. Nil ends that.
func (s *Store) FailCommits(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose = err
}

// HideCommits makes each update return err and ErrOutcomeUnknown although it was
// committed, as if the disk had failed at the very end. Nil ends that.
func (s *Store) HideCommits(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hide = err
}

// OnCall sets a function that is called before each View, Update and Backup.
func (s *Store) OnCall(call func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.call = call
}

// View implements [bridge.Store].
func (s *Store) View(ctx context.Context, fn func(bridge.Tx) error) error {
	s.called()
	return s.Store.View(ctx, fn)
}

// Backup implements [bridge.Store].
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	s.called()
	return s.Store.Backup(ctx, w)
}

func (s *Store) called() {
	s.mu.Lock()
	call := s.call
	s.mu.Unlock()
	if call != nil {
		call()
	}
}

// FailUpdates makes fail decide whether an update fails; nth counts from 1. Nil
// ends that.
func (s *Store) FailUpdates(fail func(nth int) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail, s.nth = fail, 0
}

// Update implements [bridge.Store], unless it is made to fail.
func (s *Store) Update(ctx context.Context, fn func(bridge.Tx) error) error {
	s.called()
	if err := s.next(); err != nil {
		return err
	}
	s.mu.Lock()
	lose, hide, twice := s.lose, s.hide, s.twice
	s.mu.Unlock()
	if twice {
		_ = s.Store.Update(ctx, func(tx bridge.Tx) error { return errors.Join(fn(tx), errRolledBack) })
	}
	if lose != nil {
		return s.Store.Update(ctx, func(tx bridge.Tx) error { return errors.Join(fn(tx), lose) })
	}
	if err := s.Store.Update(ctx, fn); err != nil {
		return err
	}
	if hide != nil {
		return errors.Join(bridge.ErrOutcomeUnknown, hide)
	}
	return nil
}

func (s *Store) next() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail == nil {
		return nil
	}
	s.nth++
	return s.fail(s.nth)
}
