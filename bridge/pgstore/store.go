package pgstore

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Store is a [bridge.Store] in a PostgreSQL database, made by [Open].
type Store struct {
	pool     *pgxpool.Pool
	onCommit func(took time.Duration, err error)
	onRetry  func(cause string, err error)
	limits   []statement // follow each BEGIN
	clock    clock
	writes   atomic.Uint64 // commits that wrote, for the purge of outcomes
	// resolveTimeout bounds the search for the outcome of a commit.
	resolveTimeout time.Duration
	callTimeout    time.Duration // bounds a call until its commit; 0: no limit

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup // calls in progress
	closing sync.Once
}

var _ bridge.Store = (*Store)(nil)

// Statements that begin a transaction, and the limit for one that ends it.
const (
	beginUpdate     = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
	beginView       = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	raiseCommit     = "SET LOCAL synchronous_commit = on"
	rollbackTimeout = 2 * time.Second
)

// View implements [bridge.Store]. The snapshot is that of the first read. A Tx that
// writes gets bridge.ErrReadOnly.
func (s *Store) View(ctx context.Context, fn func(bridge.Tx) error) (err error) {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := s.limit(ctx)
	defer cancel()
	t := &tx{session: session{store: s, ctx: ctx, begin: []statement{{sql: beginView}}}}
	defer t.finish()
	err = fn(t)
	if t.broken == nil {
		return err
	}
	return contextError(ctx, t.broken)
}

// Backup implements [bridge.Store]: it returns
// [bridge.ErrBackupNotSupported] and writes nothing.
func (s *Store) Backup(context.Context, io.Writer) error {
	return bridge.ErrBackupNotSupported
}

// Scrub implements [bridge.Store]. It does nothing: deleted rows are left to VACUUM, and
// copies of them to the management of the WAL and of backups.
func (s *Store) Scrub(context.Context) error {
	if err := s.enter(); err != nil {
		return err
	}
	s.running.Done()
	return nil
}

// Ping implements [bridge.Store]. It commits a row, so it fails on a server that is
// a standby, has a full disk, or waits for its own standby.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	if err := ctx.Err(); err != nil {
		return err
	}
	probe, now := uuid.Nil, s.Now() // no transaction has this key
	if _, err := s.pool.Exec(ctx, bury, (*id)(&probe), (*moment)(&now)); err != nil {
		return contextError(ctx, fmt.Errorf("pgstore: ping: %w", hideUser(err)))
	}
	return nil
}

// Close implements [bridge.Store]. Later calls return bridge.ErrStoreClosed. A second Close
// waits as well and then does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.running.Wait()
	s.closing.Do(s.pool.Close)
	return nil
}

// limit bounds a call until its commit.
func (s *Store) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.callTimeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, s.callTimeout)
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

// contextError returns the error of a context that is done, otherwise err.
func contextError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
