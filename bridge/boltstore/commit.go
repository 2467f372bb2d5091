package boltstore

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// maxGroup bounds a commit, and so how long the first of its operations waits
// for the functions of the others.
const maxGroup = 256

// errAbandoned is for operations whose commit ended with its goroutine.
var errAbandoned = errors.New("boltstore: the commit was abandoned; nothing was kept")

// commitNext commits what is queued, up to a commit's fill, and gives the turn
// back. The caller holds the turn.
//
// Each operation is told its own result, and only when the commit is over, even
// if its function failed: it may have read what others wrote before it.
func (s *Store) commitNext() {
	defer func() { <-s.turn }()
	group := s.queue.take(maxGroup)
	// A function that ends its goroutine, as a failing test does, leaves here
	// past all that follows. Nobody must wait for it for ever.
	defer func() {
		for _, o := range group {
			if !o.over() {
				o.finish(errAbandoned)
			}
		}
	}()

	var alone []*operation
	for rest := slices.Clone(group); len(rest) > 0; {
		spoiler, err := s.try(rest)
		if spoiler < 0 {
			finish(rest, err)
			break
		}
		o := rest[spoiler]
		rest = slices.Delete(rest, spoiler, spoiler+1)
		if o.panicked {
			o.finish(nil)
		} else {
			alone = append(alone, o)
		}
	}
	// What they read has changed since: they are judged by how they end now.
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

// try runs operations in one transaction and commits it. If one of them writes
// and then fails, all is rolled back and its index returned: the others have to
// run again without it. Otherwise the index is -1, and err tells of the commit.
//
// Functions are cheap beside the disk, so running some twice is no matter; that
// many of a group write first and fail then would be a strange rule.
func (s *Store) try(ops []*operation) (spoiler int, err error) {
	btx, err := s.begin()
	if err != nil {
		return -1, err
	}
	committing := false
	defer func() {
		if !committing {
			_ = btx.Rollback()
		}
	}()
	wrote := false
	for i, o := range ops {
		t := &tx{bolt: btx, writable: true}
		o.run(t)
		_ = s.noticed(t.broken)
		if t.wrote && o.failed() {
			return i, nil
		}
		wrote = wrote || t.wrote
	}
	if err := s.breakage(); err != nil || !wrote {
		return -1, err
	}
	committing = true
	return -1, s.commit(btx)
}

func (s *Store) begin() (*bbolt.Tx, error) {
	if err := s.breakage(); err != nil {
		return nil, err
	}
	btx, err := s.db.Begin(true)
	if err != nil {
		err = fmt.Errorf("boltstore: update: %w", err)
		s.health.note(err)
	}
	return btx, err
}

// commit ends a transaction for good or ill.
func (s *Store) commit(btx *bbolt.Tx) (err error) {
	start := time.Now()
	defer func(before bool) {
		debug.SetPanicOnFault(before)
		if p := recover(); p != nil {
			err = s.breakDown(p)
		}
		s.health.note(err)
		s.onCommit(time.Since(start), err)
	}(debug.SetPanicOnFault(true))
	id := btx.ID()
	if err = s.commitTx(btx); err == nil {
		return nil
	}
	if !s.visible(id) {
		return fmt.Errorf("boltstore: commit: %w", err)
	}
	// The very last step failed: all is written, but whether it would survive a
	// crash is not known. An empty commit on top of it settles that.
	again, settleErr := s.db.Begin(true)
	if settleErr == nil {
		settleErr = s.commitTx(again)
	}
	if settleErr != nil {
		return fmt.Errorf("boltstore: commit, of unknown outcome: %w", errors.Join(err, settleErr))
	}
	return nil
}

// visible says whether readers see the transaction with that number.
func (s *Store) visible(id int) bool {
	btx, err := s.db.Begin(false)
	if err != nil {
		return false
	}
	defer func() { _ = btx.Rollback() }()
	return btx.ID() >= id
}
