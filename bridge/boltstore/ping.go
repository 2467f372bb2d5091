package boltstore

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"
)

// A commit shows that writing works. Ping makes one of its own, the probe, if
// none has shown it lately. The probe takes as much fresh room in the file as
// an update does, and so finds a full disk although nobody has written yet.
const (
	probeSize  = 64 << 10
	probeIdle  = 10 * time.Second // how long a success is good for
	probeRetry = time.Second      // how long a failure is, and so how soon recovery shows
)

var probeKey = []byte("probe")

// Ping implements [bridge.Store]. It reads the file, and reports the failure of
// the last commit, until one succeeds, and damage that anybody has met, until
// the store is opened anew. It writes if there was no commit in the
// last ten seconds, or if the last one failed more than a second ago; so it can
// be called often.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.breakage(); err != nil {
		return err
	}
	if _, err := readHeader(s.db, s.db.Path()); err != nil {
		return s.noticed(err)
	}
	if known, err := s.health.now(); known {
		return err
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	// Somebody may have committed while this call waited for its turn.
	if known, err := s.health.now(); known {
		return err
	}
	return s.probe()
}

// probe has a commit to itself: it may fail where a smaller one would not.
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
		return s.noticed(fmt.Errorf("boltstore: probe: %w", err))
	}
	return s.commit(btx)
}

// health remembers how the last commit went.
type health struct {
	mu    sync.Mutex
	at    time.Time // of that commit; zero: there was none
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

// now says whether the last commit still tells how things are, and what.
func (h *health) now() (known bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	good := h.idle
	if h.err != nil {
		good = h.retry
	}
	return !h.at.IsZero() && time.Since(h.at) < good, h.err
}
