package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

const (
	// copyStep is how many bytes of rows one commit copies; it bounds the memory.
	copyStep = 16 << 20

	// compactFill is how full the pages of a copy are where new keys are inserted
	// anywhere: as full as such insertions make them in the long run. Fuller pages
	// would soon be split.
	compactFill = 0.7
)

// inUse returns how many bytes the pages in use have.
func inUse(db *bbolt.DB) (size uint64, err error) {
	err = db.View(func(tx *bbolt.Tx) error {
		stats := db.Stats()
		free := int64(stats.FreePageN+stats.PendingPageN) * int64(db.Info().PageSize)
		size = uint64(max(0, tx.Size()-free))
		return nil
	})
	return size, err
}

// copyTo copies all buckets in key order to the empty file temp.
func (c compactor) copyTo(ctx context.Context, db *bbolt.DB, temp string) error {
	o := boltOptions(lockTimeout)
	// The copy is synced once, when it is complete.
	o.PageSize, o.NoSync, o.NoGrowSync = pageSize, true, true
	to, err := openBolt(temp, o)
	if err != nil {
		return err
	}
	to.AllocSize = growStep
	err = guard(db.Path(), func() error {
		return db.View(func(tx *bbolt.Tx) error {
			return tx.ForEach(func(name []byte, from *bbolt.Bucket) error { return c.copyBucket(ctx, to, name, from) })
		})
	})
	return errors.Join(err, to.Close())
}

func (c compactor) copyBucket(ctx context.Context, to *bbolt.DB, name []byte, from *bbolt.Bucket) error {
	cursor := from.Cursor()
	k, v := cursor.First()
	step := func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(name)
		if err != nil {
			return err
		}
		if err := b.SetSequence(from.Sequence()); err != nil {
			return err
		}
		b.FillPercent = copyFill(name)
		for size := 0; k != nil && size < copyStep; k, v = cursor.Next() {
			if v == nil {
				return fmt.Errorf("%w: %q has a bucket in it", ErrCorrupt, name)
			}
			if err := b.Put(k, v); err != nil {
				return err
			}
			size += len(k) + len(v)
		}
		return ctx.Err()
	}
	for {
		if err := to.Update(step); err != nil {
			return err
		}
		c.reached("copying")
		if k == nil {
			return nil
		}
	}
}

// copyFill returns how full the pages of a bucket are to be.
func copyFill(name []byte) float64 {
	for _, l := range layout {
		if l.name == string(name) && l.fill > bbolt.DefaultFillPercent {
			return l.fill
		}
	}
	return compactFill
}

// compareWith returns an error unless the copy has the same buckets with the same
// sequences, keys and values.
func compareWith(ctx context.Context, db *bbolt.DB, temp string) error {
	o := boltOptions(lockTimeout)
	o.ReadOnly = true
	copied, err := openBolt(temp, o)
	if err != nil {
		return err
	}
	defer func() { _ = copied.Close() }()
	return guard(db.Path(), func() error {
		return db.View(func(a *bbolt.Tx) error {
			return copied.View(func(b *bbolt.Tx) error {
				if err := sameRows(ctx, a.Cursor(), b.Cursor()); err != nil {
					return err
				}
				return a.ForEach(func(name []byte, from *bbolt.Bucket) error {
					to := b.Bucket(name)
					if to.Sequence() != from.Sequence() {
						return fmt.Errorf("the copy has lost the count of %q", name)
					}
					return sameRows(ctx, from.Cursor(), to.Cursor())
				})
			})
		})
	})
}

func sameRows(ctx context.Context, a, b *bbolt.Cursor) error {
	ak, av := a.First()
	bk, bv := b.First()
	for ; ak != nil || bk != nil; ak, av = a.Next() {
		if !bytes.Equal(ak, bk) || !bytes.Equal(av, bv) {
			return fmt.Errorf("%w: its keys are not in order (at %x)", ErrCorrupt, ak)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		bk, bv = b.Next()
	}
	return nil
}
