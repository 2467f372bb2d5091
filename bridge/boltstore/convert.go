package boltstore

import (
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"
)

// convert brings a store to the present format, in one transaction. Format 1 had
// no counts. The format is raised with them, and not left as it is, because a
// version that does not keep them must not write the file any more: nothing but
// another walk would show that they are wrong from then on.
func convert(db *bbolt.DB, h Header) (Header, error) {
	if h.Format == format {
		return h, nil
	}
	h.Format = format
	value, err := json.Marshal(h)
	if err == nil {
		err = guard(db.Path(), func() error {
			return db.Update(func(tx *bbolt.Tx) error {
				if err := countAll(tx); err != nil {
					return err
				}
				return headerBucket.in(tx).Put(headerKey, value)
			})
		})
	}
	if err != nil {
		return h, fmt.Errorf("boltstore: the store file %s could not be converted to format %d, and is as it was: %w", db.Path(), format, err)
	}
	return h, nil
}

// countAll walks the buckets that are counted, and notes how many entries each has.
func countAll(tx *bbolt.Tx) error {
	for b, l := range layout {
		if !l.counted {
			continue
		}
		var n uint64
		c := bucket(b).in(tx).Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			n++
		}
		if err := bucket(b).in(tx).SetSequence(n); err != nil {
			return err
		}
	}
	return nil
}
