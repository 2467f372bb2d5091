package boltstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"
)

const (
	program = "invitebridge"
	format  = 3 // of keys and values, as keys.go and bridge have them
)

// Header says whose file it is. It is written when the file is made, and only a
// change of the format writes it again. The JSON names are those at rest.
type Header struct {
	Program    string    `json:"program"`
	Format     int       `json:"format"`
	InstanceID uuid.UUID `json:"instance_id"` // one for each file ever made, a copy shares it
	CreatedAt  time.Time `json:"created_at"`
}

var headerKey = []byte("header")

func newHeader() Header {
	return Header{
		Program:    program,
		Format:     format,
		InstanceID: uuid.New(),
		CreatedAt:  time.Now().UTC().Truncate(time.Microsecond),
	}
}

// fill makes an empty bbolt file a store.
func fill(db *bbolt.DB, h Header) error {
	value, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return db.Update(func(tx *bbolt.Tx) error {
		if err := makeBuckets(tx, 0); err != nil {
			return err
		}
		return headerBucket.in(tx).Put(headerKey, value)
	})
}

// makeBuckets makes those that came with a format after the one given, and those
// that were always there for format 0.
func makeBuckets(tx *bbolt.Tx, after int) error {
	for _, l := range layout {
		if after > 0 && l.since <= after {
			continue
		}
		b, err := tx.CreateBucket([]byte(l.name))
		if err == nil && l.fenced {
			err = errors.Join(b.Put(lowFence, []byte{}), b.Put(highFence, []byte{}))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readHeader says whether db is a store that this version can use. It changes
// nothing.
func readHeader(db *bbolt.DB, path string) (h Header, err error) {
	view := func() error {
		return db.View(func(tx *bbolt.Tx) error {
			if h, err = headerOf(tx, path); err != nil {
				return err
			}
			return whole(tx, path, h.Format)
		})
	}
	if err := guard(path, view); err != nil {
		return Header{}, err
	}
	return h, nil
}

func headerOf(tx *bbolt.Tx, path string) (Header, error) {
	const notOurs = "it belongs to another program; give the store a path of its own"
	b := headerBucket.in(tx)
	if b == nil {
		return Header{}, refused(ErrForeign, path, notOurs)
	}
	// The format decides what the rest means, so a later one is told apart
	// before anything else is read.
	var h Header
	var mark struct {
		Program string `json:"program"`
		Format  int    `json:"format"`
	}
	value := b.Get(headerKey)
	if json.Unmarshal(value, &mark) != nil || mark.Program != program {
		return Header{}, refused(ErrForeign, path, notOurs)
	}
	if mark.Format > format {
		return Header{}, refused(ErrNewer, path,
			fmt.Sprintf("it has format %d and this version knows %d; run the version that wrote it, or a later one", mark.Format, format))
	}
	if err := json.Unmarshal(value, &h); err != nil || h.Format < 1 || h.InstanceID == uuid.Nil {
		return Header{}, refused(ErrDamaged, path, "its header makes no sense; "+restore)
	}
	return h, nil
}

// whole checks that nothing is missing which every store of a format has. Walks
// rely on the fences.
func whole(tx *bbolt.Tx, path string, format int) error {
	for _, l := range layout {
		if l.since > format {
			continue
		}
		b := tx.Bucket([]byte(l.name))
		if b == nil {
			return refused(ErrDamaged, path, "the bucket "+l.name+" is missing; "+restore)
		}
		if !l.fenced {
			continue
		}
		last, _ := b.Cursor().Last()
		first, _ := b.Cursor().First()
		if !bytes.Equal(first, lowFence) || !bytes.Equal(last, highFence) {
			return refused(ErrDamaged, path, "the bucket "+l.name+" has lost its bounds; "+restore)
		}
	}
	return nil
}
