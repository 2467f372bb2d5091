package bridge

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
)

// Record is everything that a store has about one invitation: the unit in which a
// store is copied to another one.
type Record struct {
	Invitation Invitation
	Tokens     []StoredToken // by digest, ascending
	Messages   []Message     // by id, ascending
}

// StoredToken is the record of a token, and its key.
type StoredToken struct {
	Digest Digest
	TokenRecord
}

// RecordCounts are the numbers of rows of records.
type RecordCounts struct{ Invitations, Tokens, Messages int }

// Add counts the rows of a record.
func (c *RecordCounts) Add(r Record) {
	c.Invitations++
	c.Tokens += len(r.Tokens)
	c.Messages += len(r.Messages)
}

// Checksum returns the SHA-256 of all fields of all rows of the record. It is the
// same in every store.
func (r Record) Checksum() (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	_, _ = fmt.Fprintln(h, len(r.Tokens), len(r.Messages)) // a hash returns no error
	rows := json.NewEncoder(h)                             // what is not in the JSON is in no store
	err = rows.Encode(r.Invitation)
	for _, t := range r.Tokens {
		_, _ = h.Write(t.Digest[:])
		err = errors.Join(err, rows.Encode(t.TokenRecord))
	}
	for i := range r.Messages {
		err = errors.Join(err, rows.Encode(&r.Messages[i]))
	}
	return [sha256.Size]byte(h.Sum(nil)), err
}
