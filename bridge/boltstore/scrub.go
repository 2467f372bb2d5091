package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	// scrubTurn is how long a Scrub keeps updates waiting at a time, scrubPause the least
	// time that it leaves to them in between. scrubPatience is how long it waits for
	// views while it keeps updates waiting: most last less than a millisecond.
	scrubTurn     = 10 * time.Millisecond
	scrubPause    = time.Millisecond
	scrubPatience = 20 * time.Millisecond
	scrubRun      = 1 << 20 // the most bytes read and written at once
)

// Scrub implements [bridge.Store]. bbolt leaves the content of the pages that it frees
// where it is, until it uses them again. Scrub overwrites them with zeros, and so what
// an interrupted commit may have left behind the last page. It reads all free pages, and
// writes only those that are not yet zero.
//
// It touches only what the next update could use: a page that is free in the latest
// commit, while no other commit runs and no view is open that began before it.
func (s *Store) Scrub(ctx context.Context) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	// The latest commit must be on the disk before what it has freed is overwritten: a
	// killed process may have left it in the memory of the machine.
	if err := s.syncToScrub(ctx); err != nil {
		return err
	}
	w := &scrubber{store: s, run: make([]byte, max(scrubRun, pageSize))}
	for !w.done {
		if err := w.turn(ctx); err != nil {
			return fmt.Errorf("boltstore: scrub: %w", err)
		}
	}
	if !w.wrote {
		return nil
	}
	return s.syncToScrub(ctx)
}

// syncToScrub flushes the file while no update runs: the system reports a failed write
// once, and the commit must not miss that of its own. After a failure it is unknown what
// is on the disk, and the next call would succeed: so no Scrub does anything until a
// restart.
func (s *Store) syncToScrub(ctx context.Context) error {
	select {
	case s.committing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.committing }()
	if s.unscrubbable == nil {
		if err := s.file.Sync(); err != nil {
			s.unscrubbable = fmt.Errorf("boltstore: scrub: the file could not be flushed; restart the bridge: %w", err)
		}
	}
	return s.unscrubbable
}

// scrubber is one Scrub in progress.
type scrubber struct {
	store *Store
	next  uint64 // pages below this are done
	run   []byte
	wrote bool
	done  bool
}

// turn scrubs for about scrubTurn, while no update runs. It first waits until it may.
func (w *scrubber) turn(ctx context.Context) error {
	s := w.store
	for {
		select {
		case s.committing <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		waiting, cancel := context.WithTimeout(ctx, scrubPatience)
		err := s.views.waitForOlder(waiting)
		cancel()
		if err == nil {
			break
		}
		<-s.committing // a long view, such as a backup, must not keep updates waiting
		if err := s.views.waitForOlder(ctx); err != nil {
			return err
		}
	}
	begun := time.Now()
	err := func() error {
		defer func() { <-s.committing }()
		return w.pages(ctx, begun.Add(scrubTurn))
	}()
	if err != nil || w.done {
		return err
	}
	select {
	case <-time.After(max(scrubPause, time.Since(begun))): // at least half of the time is for updates
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pages scrubs free pages in ascending order until a time, and at last the rest of the
// file.
func (w *scrubber) pages(ctx context.Context, until time.Time) error {
	s := w.store
	if err := s.corruption(); err != nil {
		return err
	}
	if _, err := s.health.recent(); err != nil {
		return err // it is unknown which pages are free on the disk
	}
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	latest, err := verifyMetas(s.file, info.Size(), s.db.Path())
	if err != nil {
		return err
	}
	if latest.free == noFreePages {
		return errors.New("the file has no list of free pages")
	}
	free, err := newWalker(s.file, latest).freePages()
	if err != nil {
		return corrupt(s.db.Path(), err)
	}
	limit := max(1, uint64(scrubRun/latest.pageSize)) //nolint:gosec // both are positive
	for i := 0; i < len(free); {
		first, end := free[i], free[i]+1
		for i++; i < len(free) && end-first < limit && free[i] == end; i++ {
			end++
		}
		if end <= w.next {
			continue // in an earlier turn
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.zero(int64(first)*latest.pageSize, int64(end-first)*latest.pageSize); err != nil { //nolint:gosec // within the file
			return err
		}
		if w.next = end; time.Now().After(until) {
			return nil
		}
	}
	w.done = true
	return w.rest(int64(latest.pages)*latest.pageSize, info.Size()) //nolint:gosec // within the file
}

// rest scrubs the space behind the last page, by which the file has grown.
func (w *scrubber) rest(from, size int64) error {
	for from < size {
		n := min(size-from, scrubRun)
		if err := w.zero(from, n); err != nil {
			return err
		}
		from += n
	}
	return nil
}

// zero overwrites a range of the file, unless it is zero already.
func (w *scrubber) zero(at, size int64) error {
	run := w.run[:size]
	if _, err := w.store.file.ReadAt(run, at); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if allZero(run) {
		return nil
	}
	clear(run)
	w.wrote = true
	_, err := w.store.file.WriteAt(run, at)
	return err
}

func allZero(p []byte) bool {
	const step = 4 << 10
	for len(p) > 0 {
		n := min(step, len(p))
		if !bytes.Equal(p[:n], zeros[:n]) {
			return false
		}
		p = p[n:]
	}
	return true
}

var zeros [4 << 10]byte
