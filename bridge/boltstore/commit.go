package boltstore

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"invitebridge/bridge"

	"go.etcd.io/bbolt"
)

// maxGroup is the most operations in one commit. It bounds how long the first
// one waits for the functions of the others.
const maxGroup = 256

// errAbandoned is the result of operations whose goroutine exited during the
// commit.
var errAbandoned = errors.New("boltstore: the commit was abandoned; nothing was stored")

// commitNext commits up to maxGroup queued operations and releases
// s.committing, which the caller holds.
//
// Each operation gets its own result, and only after the commit, even if its
// function failed: it may have read what others of the group wrote before it.
func (s *Store) commitNext() {
	defer func() { <-s.committing }()
	group := s.queue.take(maxGroup)
	// A function may call runtime.Goexit, as a failing test does, and skip all
	// that follows. The other callers must not wait forever.
	defer func() {
		for _, o := range group {
			if !o.isDone() {
				o.finish(errAbandoned)
			}
		}
	}()

	var alone []*operation
	for rest := slices.Clone(group); len(rest) > 0; {
		failedIndex, err := s.try(rest)
		if failedIndex < 0 {
			finish(rest, err)
			break
		}
		o := rest[failedIndex]
		rest = slices.Delete(rest, failedIndex, failedIndex+1)
		if o.panicked {
			o.finish(nil)
		} else {
			alone = append(alone, o)
		}
	}
	// What they read has changed since: only the result of this run counts.
	for _, o := range alone {
		_, err := s.try([]*operation{o})
		o.finish(err)
	}
}

func finish(ops []*operation, err error) {
	for _, o := range ops {
		o.finish(err)
	}
}

// try runs operations in one transaction and commits it. If an operation writes
// and then fails, try rolls back and returns its index: the others have to run
// again without it. Otherwise the index is -1 and err is the commit's.
//
// Functions are cheap compared to the disk, so running some twice costs little;
// functions that write and then fail are rare.
func (s *Store) try(ops []*operation) (failedIndex int, err error) {
	btx, err := s.begin()
	if err != nil {
		return -1, err
	}
	commitStarted := false
	defer func() {
		if !commitStarted {
			_ = btx.Rollback()
		}
	}()
	wrote, ended := false, []bridge.Lease(nil)
	defer func() {
		if failedIndex < 0 && err == nil {
			s.leases.dropAll(ended)
		}
	}()
	for i, o := range ops {
		t := &tx{bolt: btx, writable: true, leases: &s.leases}
		o.run(t)
		_ = s.noteCorruption(t.broken)
		if t.wrote && o.failed() {
			return i, nil
		}
		if !o.failed() {
			ended = append(ended, t.ended...)
		}
		wrote = wrote || t.wrote
	}
	if err := s.corruption(); err != nil || !wrote {
		return -1, err
	}
	commitStarted = true
	return -1, s.commit(btx)
}

func (s *Store) begin() (*bbolt.Tx, error) {
	if err := s.corruption(); err != nil {
		return nil, err
	}
	btx, err := s.db.Begin(true)
	if err != nil {
		err = fmt.Errorf("boltstore: update: %w", err)
		s.health.note(err)
	}
	return btx, err
}

// commit commits a transaction, and records and reports the result.
func (s *Store) commit(btx *bbolt.Tx) (err error) {
	start := time.Now()
	defer func(before bool) {
		debug.SetPanicOnFault(before)
		if p := recover(); p != nil {
			err = s.markCorrupt(p)
		}
		s.health.note(err)
		s.views.committed()
		s.onCommit(time.Since(start), err)
	}(debug.SetPanicOnFault(true))
	id := btx.ID()
	if err = s.commitTx(btx); err == nil {
		return nil
	}
	if !s.visible(id) {
		return fmt.Errorf("boltstore: commit: %w", err)
	}
	// Only the last sync failed: all is written, but it may not survive a crash.
	// An empty commit on top of it, if it succeeds, makes both durable.
	again, againErr := s.db.Begin(true)
	if againErr == nil {
		againErr = s.commitTx(again)
	}
	if againErr != nil {
		return fmt.Errorf("boltstore: commit: %w: %w", bridge.ErrOutcomeUnknown, errors.Join(err, againErr))
	}
	return nil
}

// visible reports whether readers see the transaction with that id.
func (s *Store) visible(id int) bool {
	btx, err := s.db.Begin(false)
	if err != nil {
		return false
	}
	defer func() { _ = btx.Rollback() }()
	return btx.ID() >= id
}
