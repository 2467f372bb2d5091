package boltstore

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"
)

// A commit shows that writing works. If there was none recently, Ping makes one,
// the probe. It allocates as much space in the file as an update does, and so
// detects a full disk before the first update fails.
const (
	probeSize  = 64 << 10
	probeIdle  = 10 * time.Second // how long a successful commit is relied on
	probeRetry = time.Second      // how long a failed one is, and so how soon a recovery shows
)

var probeKey = []byte("probe")

// Ping implements [bridge.Store]. It reads the header. It returns the error of
// the last commit until one succeeds, and ErrCorrupt, once any call has found
// damage, until the store is reopened. It writes only if there was no commit in
// the last ten seconds, or if the last one failed more than a second ago; so it
// can be called often.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.corruption(); err != nil {
		return err
	}
	if err := s.readHeader(); err != nil {
		return s.noteCorruption(err)
	}
	if known, err := s.health.recent(); known {
		return err
	}
	select {
	case s.committing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.committing }()
	// An update may have committed while this call waited.
	if known, err := s.health.recent(); known {
		return err
	}
	return s.probe()
}

func (s *Store) readHeader() error {
	defer s.views.begin()()
	_, err := readHeader(s.db, s.db.Path())
	return err
}

// probe commits alone: it may fail where a smaller commit would not.
func (s *Store) probe() error {
	btx, err := s.begin()
	if err != nil {
		return err
	}
	err = guard(s.db.Path(), func() error {
		return probeBucket.in(btx).Put(probeKey, bytes.Repeat([]byte("probe..\n"), probeSize/8))
	})
	if err != nil {
		_ = btx.Rollback()
		return s.noteCorruption(fmt.Errorf("boltstore: probe: %w", err))
	}
	return s.commit(btx)
}

// health remembers the result of the last commit.
type health struct {
	mu    sync.Mutex
	at    time.Time // of that commit; zero: none yet
	err   error
	idle  time.Duration
	retry time.Duration
}

func (h *health) reset() { h.idle, h.retry = probeIdle, probeRetry }

func (h *health) note(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at, h.err = time.Now(), err
}

// recent returns the result of the last commit, and whether it is recent enough
// to be relied on.
func (h *health) recent() (known bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	maxAge := h.idle
	if h.err != nil {
		maxAge = h.retry
	}
	return !h.at.IsZero() && time.Since(h.at) < maxAge, h.err
}
