package bridge

import (
	"crypto/sha256"
	"encoding/json"
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
func (r Record) Checksum() ([sha256.Size]byte, error) {
	// What is not in the JSON is in no store.
	raw, err := json.Marshal(r)
	return sha256.Sum256(raw), err
}
