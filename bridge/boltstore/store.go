package boltstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"invitebridge/bridge"

	"go.etcd.io/bbolt"
)

// Store is a [bridge.Store] in one file. [Open] makes one.
type Store struct {
	db     *bbolt.DB
	header Header

	queue  queue
	turn   chan struct{} // holds one value while somebody commits
	health health
	// commitTx is bbolt's Commit, save in tests of a failing disk.
	commitTx func(*bbolt.Tx) error
	onCommit func(took time.Duration, err error)

	mu      sync.Mutex
	closed  bool
	broken  error          // the first damage that was met
	stuck   bool           // bbolt has panicked while committing
	running sync.WaitGroup // calls under way
	closing sync.Once
}

var _ bridge.Store = (*Store)(nil)

func newStore(db *bbolt.DB, h Header, options []Option) *Store {
	s := &Store{
		db: db, header: h, turn: make(chan struct{}, 1), commitTx: (*bbolt.Tx).Commit,
		onCommit: func(time.Duration, error) {},
	}
	s.health.reset()
	for _, option := range options {
		option(s)
	}
	return s
}

// Header tells what the file says of itself.
func (s *Store) Header() Header { return s.header }

// View implements [bridge.Store]. A Tx that writes gets ErrReadOnly.
func (s *Store) View(ctx context.Context, fn func(bridge.Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	if err := ctx.Err(); err != nil {
		return err
	}
	// fn's own error must come back as it is, and be told from bbolt's.
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
		return s.noticed(t.broken)
	}
	return result
}

// Update implements [bridge.Store]. Updates that wait for another one to be
// committed are committed together after it. A ctx that ends while the update
// waits withdraws it; once its function has run, only the commit decides.
//
// A panic in fn goes on to the caller, and nothing of that fn is kept.
func (s *Store) Update(ctx context.Context, fn func(bridge.Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	o := newOperation(ctx, fn)
	s.queue.add(o)
	for !o.over() {
		select {
		case <-o.done:
		case s.turn <- struct{}{}:
			// It may take several turns, if more than a commit's fill wait in front.
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

// Close implements [bridge.Store]. Calls made after it get ErrClosed. Called
// again, it waits likewise and does nothing.
func (s *Store) Close() (err error) {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.running.Wait()
	s.closing.Do(func() {
		// bbolt would wait for ever for the commit that it panicked in.
		if s.stuck {
			err = s.breakage()
			return
		}
		err = s.db.Close()
	})
	return err
}

// enter begins a call, unless no more are taken. The caller then owes a
// running.Done.
func (s *Store) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.running.Add(1)
	return nil
}

// breakage tells of the damage after which nothing is written any more.
func (s *Store) breakage() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// noticed remembers the first error that tells of damage, and gives err back.
func (s *Store) noticed(err error) error {
	if !errors.Is(err, ErrDamaged) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken = err
	}
	return err
}

// breakDown is for a panic of bbolt while it commits: its locks and lists are in
// an unknown state then, and its writing half must not be called again.
func (s *Store) breakDown(cause any) error {
	s.mu.Lock()
	s.stuck = true
	s.mu.Unlock()
	return s.noticed(damaged(s.db.Path(), cause))
}
