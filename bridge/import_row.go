package bridge

import (
	"encoding/json"
	"errors"

	"github.com/google/uuid"
)

// ImportRow is one row of an import. The JSON names are those in the store.
type ImportRow struct {
	Index int `json:"index"` // its position, from 0
	Line  int `json:"line"`  // where it begins in the file, from 1
	// Body is the row as the body of an invite, without the defaults of the import. It
	// is an object, but its members are not validated.
	Body json.RawMessage `json:"body"`
	// Key identifies what the row invites: two rows of an import with one key are
	// duplicates. Empty: a duplicate, or a row that has failed before it was begun.
	Key string `json:"key,omitempty"`

	Result ImportResult `json:"result,omitempty"` // empty: none yet
	// InvitationID is set when the row is begun, before the identity system is asked,
	// and never changes until the row has a result. With a result, it is the invitation
	// that the row has created or found; zero: none.
	InvitationID uuid.UUID `json:"invitation_id,omitzero"`
	DuplicateOf  int       `json:"duplicate_of,omitempty"` // the line of the first row with this key
	ErrorID      string    `json:"error_id,omitempty"`     // of a failed row: see [Error]
	Reason       string    `json:"reason,omitempty"`
}

// ImportResult is what became of a row.
type ImportResult string

// The results.
const (
	ResultInvited        ImportResult = "invited"
	ResultAdopted        ImportResult = "adopted"         // an existing identity was invited
	ResultAlreadyPending ImportResult = "already_pending" // nothing was changed, no email was sent
	ResultAlreadyActive  ImportResult = "already_active"
	ResultSkippedRevoked ImportResult = "skipped_revoked" // the newest invitation of the address was revoked
	ResultSkippedExpired ImportResult = "skipped_expired" // the newest invitation of the address has expired
	ResultDuplicate      ImportResult = "duplicate"       // an earlier row invites the same address
	ResultFailed         ImportResult = "failed"
)

// ImportResults returns every result.
func ImportResults() []ImportResult {
	return []ImportResult{
		ResultInvited, ResultAdopted, ResultAlreadyPending, ResultAlreadyActive,
		ResultSkippedRevoked, ResultSkippedExpired, ResultDuplicate, ResultFailed,
	}
}

// of returns the counter of a result; nil: there is none.
func (c *ImportCounts) of(r ImportResult) *int {
	switch r {
	case ResultInvited:
		return &c.Invited
	case ResultAdopted:
		return &c.Adopted
	case ResultAlreadyPending:
		return &c.AlreadyPending
	case ResultAlreadyActive:
		return &c.AlreadyActive
	case ResultSkippedRevoked:
		return &c.SkippedRevoked
	case ResultSkippedExpired:
		return &c.SkippedExpired
	case ResultDuplicate:
		return &c.Duplicate
	case ResultFailed:
		return &c.Failed
	}
	return nil
}

// Count returns the number of rows with a result; 0 for an unknown one.
func (c ImportCounts) Count(r ImportResult) int {
	if n := c.of(r); n != nil {
		return *n
	}
	return 0
}

// Total returns the number of rows that have a result.
func (c ImportCounts) Total() (n int) {
	for _, r := range ImportResults() {
		n += c.Count(r)
	}
	return n
}

// add counts a row with a result; empty: it has none.
func (c *ImportCounts) add(r ImportResult) {
	if n := c.of(r); n != nil {
		*n++
	}
}

// fail returns the row as failed, with the id and the text that an invite would return.
func (r ImportRow) fail(err error) ImportRow {
	e := ErrInternal
	errors.As(err, &e)
	r.Result, r.ErrorID, r.Reason, r.InvitationID = ResultFailed, e.ID, e.Reason, uuid.Nil
	return r
}
