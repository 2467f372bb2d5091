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
	Tokens     []StoredToken  // by digest, ascending
	Messages   []Message      // by id, ascending
	History    []HistoryEntry // by id, ascending
}

// StoredToken is the record of a token, and its key.
type StoredToken struct {
	Digest Digest
	TokenRecord
}

// ImportRecord is an import and its messages. Its rows are copied separately, because
// they may be many.
type ImportRecord struct {
	Import   Import
	Messages []Message // by id, ascending
}

// RecordCounts are the numbers of rows in a store. Messages are those of invitations
// and those of imports.
type RecordCounts struct {
	Invitations, Tokens, Messages, History, Imports, ImportRows, Requests int
}

// Add counts the rows of a record.
func (c *RecordCounts) Add(r Record) {
	c.Invitations++
	c.Tokens += len(r.Tokens)
	c.Messages += len(r.Messages)
	c.History += len(r.History)
}

// AddImport counts an import and its messages.
func (c *RecordCounts) AddImport(r ImportRecord) {
	c.Imports++
	c.Messages += len(r.Messages)
}

// Checksum returns the SHA-256 of all fields of all rows of the record. It is the
// same in every store.
func (r Record) Checksum() (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	_, _ = fmt.Fprintln(h, len(r.Tokens), len(r.Messages), len(r.History)) // a hash returns no error
	rows := json.NewEncoder(h)                                             // what is not in the JSON is in no store
	err = rows.Encode(r.Invitation)
	for _, t := range r.Tokens {
		_, _ = h.Write(t.Digest[:])
		err = errors.Join(err, rows.Encode(t.TokenRecord))
	}
	for i := range r.Messages {
		err = errors.Join(err, rows.Encode(&r.Messages[i]))
	}
	for i := range r.History {
		err = errors.Join(err, rows.Encode(&r.History[i]))
	}
	return [sha256.Size]byte(h.Sum(nil)), err
}

// Checksum is [Record.Checksum] for an import.
func (r ImportRecord) Checksum() (sum [sha256.Size]byte, err error) {
	return checksum(r.Import, r.Messages)
}

// Checksum is [Record.Checksum] for one row of an import.
func (r ImportRow) Checksum() (sum [sha256.Size]byte, err error) { return checksum(r) }

// Checksum is [Record.Checksum] for an idempotent request.
func (r IdempotentRequest) Checksum() (sum [sha256.Size]byte, err error) { return checksum(r.Key, r) }

// checksum returns the SHA-256 of the JSON of values. An empty list of messages is the
// same as none.
func checksum(values ...any) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	rows := json.NewEncoder(h)
	for _, v := range values {
		if messages, are := v.([]Message); are && len(messages) == 0 {
			continue
		}
		err = errors.Join(err, rows.Encode(v))
	}
	return [sha256.Size]byte(h.Sum(nil)), err
}
