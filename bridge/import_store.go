package bridge

import (
	"time"

	"github.com/google/uuid"
)

// ImportTx is the part of [Tx] for imports. Updates that read or write the same
// import or its rows, or the same idempotent request, are serialized, in all processes.
type ImportTx interface {
	// Import reads an import by id.
	//
	// Errors: ErrRowNotFound.
	Import(id uuid.UUID) (Import, error)

	// ListImports returns at most limit imports with an id below before, newest first
	// (by id, descending); zero: from the newest.
	ListImports(before uuid.UUID, limit int) ([]Import, error)

	// DueImports returns at most limit imports that have a nonzero DueAt <= now; the
	// earliest first. An Update may leave out those that another one is using, and does
	// not wait for them.
	DueImports(now time.Time, limit int) ([]Import, error)

	// NextImportAt returns the earliest nonzero DueAt of all imports; zero: there is none.
	NextImportAt() (time.Time, error)

	// PutImport inserts or replaces an import.
	PutImport(i Import) error

	// ImportRows returns the rows that match q, by index, ascending.
	ImportRows(q ImportRowQuery) ([]ImportRow, error)

	// PutImportRows inserts or replaces rows. Their keys are not in use by other rows of
	// the import: the caller has asked FirstLines.
	//
	// Errors: ErrRowNotFound if the import is not in the store.
	PutImportRows(id uuid.UUID, rows ...ImportRow) error

	// FirstLines returns, for each of these keys that a row of the import has, the line of
	// that row.
	FirstLines(id uuid.UUID, keys ...string) (map[string]int, error)

	// DeleteImportRows deletes at most limit rows of an import and returns their number.
	DeleteImportRows(id uuid.UUID, limit int) (int, error)

	// DeleteImport deletes an import that has no rows, and its messages.
	//
	// Errors: ErrRowNotFound.
	DeleteImport(id uuid.UUID) error

	// InvitationsOf returns, for each of these addresses, its newest invitation and its
	// pending ones, in any order and each once. An Update does not lock what it reads
	// by this method.
	InvitationsOf(emails ...string) ([]Invitation, error)

	// InsertInvitations is InsertInvitation for many. Those that it cannot insert,
	// because of ErrPendingExists, are left out, and their ids are returned.
	InsertInvitations(list ...Invitation) (conflicts []uuid.UUID, err error)

	// IdempotentRequest reads the record of a request by its key. Updates that read or
	// write the record of the same key are serialized, also if there is none.
	//
	// Errors: ErrRowNotFound.
	IdempotentRequest(key Digest) (IdempotentRequest, error)

	// PutIdempotentRequest inserts or replaces a record.
	PutIdempotentRequest(r IdempotentRequest) error

	// DeleteIdempotentRequests deletes at most limit records with At <= before, the
	// earliest first, and returns their number.
	DeleteIdempotentRequests(before time.Time, limit int) (int, error)
}

// ImportRowQuery selects rows of an import.
type ImportRowQuery struct {
	ImportID uuid.UUID
	Result   ImportResult // empty: all rows, with a result or without
	From     int          // the lowest index
	Limit    int          // at least 1
}

// IdempotentRequest is what is stored about a request with an idempotency key, so
// that a repetition gets the first response. The JSON names are those in the store.
type IdempotentRequest struct {
	Key  Digest    `json:"-"`    // of the API key's name and the idempotency key
	Body Digest    `json:"body"` // of the request's content
	ID   uuid.UUID `json:"id"`   // of the invitation or import that it has created or found
	// Created reports whether the response said that it was created.
	Created bool      `json:"created,omitempty"`
	At      time.Time `json:"at"`
}
