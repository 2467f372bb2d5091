package boltstore

import (
	"context"
	"fmt"
	"io"

	"go.etcd.io/bbolt"
)

// Backup implements [bridge.Store]. The copy is a store file that Open accepts.
// Pages freed meanwhile are not reused before Backup returns, so a slow w makes
// the file grow.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	defer s.views.begin()()
	err := s.db.View(func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(ctxWriter{ctx, w})
		return err
	})
	if err != nil {
		return fmt.Errorf("boltstore: backup: %w", err)
	}
	return nil
}

// ctxWriter writes until ctx is done.
type ctxWriter struct {
	ctx context.Context
	w   io.Writer
}

func (u ctxWriter) Write(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.w.Write(p)
}

// Check reads every page of the store file at path and changes nothing. No
// process may be writing the file. Check examines the trees of keys and values,
// not the content of the values.
//
// Errors: those of [Open]; ErrCorrupt also if only a part is damaged.
func Check(path string) error {
	// bbolt's own check runs in a goroutine that guard does not cover, so it
	// comes second: by then all pages are known to exist and to form no cycle.
	if _, err := examine(path, verifyWhole); err != nil {
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
		return corrupt(path, flaw)
	}
	return err
}
