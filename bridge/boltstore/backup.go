package boltstore

import (
	"context"
	"fmt"
	"io"

	"go.etcd.io/bbolt"
)

// Backup implements [bridge.Store]. The copy is a store file as Open takes one.
// Pages that others free meanwhile are not used again before it ends, so that a
// slow reader makes the file grow.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	err := s.db.View(func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(untilDone{ctx, w})
		return err
	})
	if err != nil {
		return fmt.Errorf("boltstore: backup: %w", err)
	}
	return nil
}

// untilDone writes until ctx ends.
type untilDone struct {
	ctx context.Context
	w   io.Writer
}

func (u untilDone) Write(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.w.Write(p)
}

// Check reads the store file at path whole, which no process may be writing,
// and changes nothing. The errors are those of Open; ErrDamaged also where only
// a part is. It examines the trees that keys and values lie in, not what the
// values say.
func Check(path string) error {
	// bbolt's own check works in a goroutine that guard does not reach, so it
	// comes second: the pages are all there then, and in no circle.
	if _, err := examine(path, inspectWhole); err != nil {
		return err
	}
	o := boltOptions(inspectTimeout)
	o.ReadOnly = true
	db, err := openBolt(path, o)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var flaw error
	err = guard(path, func() error {
		return db.View(func(tx *bbolt.Tx) error {
			for err := range tx.Check() {
				flaw = err
			}
			return nil
		})
	})
	if flaw != nil {
		return damaged(path, flaw)
	}
	return err
}
