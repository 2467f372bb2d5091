package boltstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"invitebridge/bridge"

	"go.etcd.io/bbolt"
)

// Store is a [bridge.Store] in one file, made by [Open].
type Store struct {
	db     *bbolt.DB
	file   *os.File // of db, which closes it
	header Header

	queue      queue
	leases     leases
	views      views
	committing chan struct{} // a lock: holds one value while a call commits
	// unscrubbable is why Scrub does nothing any more; nil: it works. Only the holder of
	// committing uses it.
	unscrubbable error
	health       health
	// commitTx is bbolt's Commit, except in tests of a failing disk.
	commitTx func(*bbolt.Tx) error
	onCommit func(took time.Duration, err error)

	mu             sync.Mutex
	closed         bool
	broken         error          // the first damage that a call found
	commitPanicked bool           // bbolt panicked in a commit and keeps its lock
	running        sync.WaitGroup // calls in progress
	closing        sync.Once
}

var _ bridge.Store = (*Store)(nil)

func newStore(db *bbolt.DB, file *os.File, h Header, options []Option) *Store {
	s := &Store{
		db: db, file: file, header: h, committing: make(chan struct{}, 1), commitTx: (*bbolt.Tx).Commit,
		onCommit: func(time.Duration, error) {},
	}
	s.health.reset()
	for _, option := range options {
		option(s)
	}
	return s
}

// Header returns the header of the file.
func (s *Store) Header() Header { return s.header }

// View implements [bridge.Store]. A Tx that writes gets bridge.ErrReadOnly.
func (s *Store) View(ctx context.Context, fn func(bridge.Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	if err := ctx.Err(); err != nil {
		return err
	}
	defer s.views.begin()()
	// fn's own error is returned unchanged, and so kept apart from bbolt's.
	var result error
	t := &tx{}
	err := s.db.View(func(btx *bbolt.Tx) error {
		t.bolt = btx
		defer t.end()
		result = fn(t)
		return nil
	})
	if err != nil {
		return fmt.Errorf("boltstore: view: %w", err)
	}
	if t.broken != nil {
		return s.noteCorruption(t.broken)
	}
	return result
}

// Update implements [bridge.Store]. Updates that wait while another one commits
// share the next commit. If ctx is done while the update waits, it is withdrawn;
// once fn has run, only the commit decides.
//
// A panic in fn reaches the caller, and nothing that fn wrote is stored.
func (s *Store) Update(ctx context.Context, fn func(bridge.Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	o := newOperation(ctx, fn)
	s.queue.add(o)
	for !o.isDone() {
		select {
		case <-o.done:
		case s.committing <- struct{}{}:
			// It takes several commits if more than maxGroup operations are ahead.
			s.commitNext()
		case <-ctx.Done():
			if s.queue.withdraw(o) {
				return ctx.Err()
			}
			<-o.done
		}
	}
	return o.outcome()
}

// Close implements [bridge.Store]. Later calls return bridge.ErrStoreClosed. A second Close
// waits as well and then does nothing.
func (s *Store) Close() (err error) {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.running.Wait()
	s.closing.Do(func() {
		// bbolt's Close would wait forever for the commit that panicked.
		if s.commitPanicked {
			err = s.corruption()
			return
		}
		err = s.db.Close()
	})
	return err
}

// enter begins a call; the caller must call running.Done.
//
// Errors: bridge.ErrStoreClosed.
func (s *Store) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return bridge.ErrStoreClosed
	}
	s.running.Add(1)
	return nil
}

// corruption returns the damage found so far; after it nothing is written.
func (s *Store) corruption() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// noteCorruption remembers err if it is the first ErrCorrupt, and returns err.
func (s *Store) noteCorruption(err error) error {
	if !errors.Is(err, ErrCorrupt) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken = err
	}
	return err
}

// markCorrupt records a panic of bbolt during a commit: its locks and lists are
// then in an unknown state, and its write functions must not be called again.
func (s *Store) markCorrupt(cause any) error {
	s.mu.Lock()
	s.commitPanicked = true
	s.mu.Unlock()
	return s.noteCorruption(corrupt(s.db.Path(), cause))
}
