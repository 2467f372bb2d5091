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
	format  = 5 // of keys (keys.go) and values (the JSON of package bridge)

	// sealedBy is added to the format of a file that was moved, so that releases
	// that do not know about it take it for a newer format.
	sealedBy = 1000
)

// Header identifies a store file. It is written when the file is created; only a
// change of format and a move rewrite it. The JSON names are those at rest.
type Header struct {
	Program    string    `json:"program"`
	Format     int       `json:"format"`
	InstanceID uuid.UUID `json:"instance_id"` // unique per file created; copies share it
	CreatedAt  time.Time `json:"created_at"`
	MovedTo    string    `json:"moved_to,omitempty"` // where its content is now; empty: here
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

// encode returns the header as it is at rest.
func (h Header) encode() ([]byte, error) {
	if h.MovedTo != "" {
		h.Format += sealedBy
	}
	return json.Marshal(h)
}

// fill turns an empty bbolt file into a store.
func fill(db *bbolt.DB, h Header) error {
	value, err := h.encode()
	if err != nil {
		return err
	}
	return db.Update(func(tx *bbolt.Tx) error {
		if err := makeBuckets(tx, 0, format); err != nil {
			return err
		}
		return headerBucket.in(tx).Put(headerKey, value)
	})
}

// makeBuckets creates the buckets that were introduced by the formats from first to
// last.
func makeBuckets(tx *bbolt.Tx, first, last int) error {
	for _, l := range layout {
		if l.since < first || l.since > last {
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

// readHeader returns the header if db is a store that this version can use, moved
// or not. It changes nothing.
func readHeader(db *bbolt.DB, path string) (h Header, err error) {
	view := func() error {
		return db.View(func(tx *bbolt.Tx) error {
			if h, err = headerOf(tx, path); err != nil {
				return err
			}
			return checkComplete(tx, path, h.Format)
		})
	}
	if err := guard(path, view); err != nil {
		return Header{}, err
	}
	return h, nil
}

func headerOf(tx *bbolt.Tx, path string) (Header, error) {
	const notOurs = "it belongs to another program; use another path for the store"
	b := headerBucket.in(tx)
	if b == nil {
		return Header{}, refused(ErrNotAStore, path, notOurs)
	}
	// The format determines the meaning of the rest, so a later format is
	// refused before anything else is read.
	var h Header
	var mark struct {
		Program string `json:"program"`
		Format  int    `json:"format"`
	}
	value := b.Get(headerKey)
	if json.Unmarshal(value, &mark) != nil || mark.Program != program {
		return Header{}, refused(ErrNotAStore, path, notOurs)
	}
	sealed := mark.Format > sealedBy
	if sealed {
		mark.Format -= sealedBy
	}
	if mark.Format > format {
		return Header{}, refused(ErrNewerFormat, path,
			fmt.Sprintf("it has format %d and this version supports up to %d; run the version that wrote it, or a later one", mark.Format, format))
	}
	err := json.Unmarshal(value, &h)
	if h.Format = mark.Format; err != nil || h.Format < 1 || h.InstanceID == uuid.Nil || sealed != (h.MovedTo != "") {
		return Header{}, refused(ErrCorrupt, path, "its header is invalid; "+restore)
	}
	return h, nil
}

// refuseMoved returns ErrMoved if the content of the file is elsewhere.
func (h Header) refuseMoved(path string) error {
	if h.MovedTo == "" {
		return nil
	}
	return refused(ErrMoved, path, fmt.Sprintf("its invitations are in %s; set dsn to that database. "+
		"To go back to the file as it was then: invitebridge store unseal --from bolt://%s", h.MovedTo, path))
}

// checkComplete checks that all buckets of a format exist, with their fences, on
// which walks rely.
func checkComplete(tx *bbolt.Tx, path string, format int) error {
	for _, l := range layout {
		if l.since > format {
			continue
		}
		b := tx.Bucket([]byte(l.name))
		if b == nil {
			return refused(ErrCorrupt, path, "the bucket "+l.name+" is missing; "+restore)
		}
		if !l.fenced {
			continue
		}
		last, _ := b.Cursor().Last()
		first, _ := b.Cursor().First()
		if !bytes.Equal(first, lowFence) || !bytes.Equal(last, highFence) {
			return refused(ErrCorrupt, path, "the bucket "+l.name+" has lost its fences; "+restore)
		}
	}
	return nil
}
