package boltstore

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// Errors of this package, for errors.Is. Those that [Open] returns also name the
// file and say what to do.
var (
	// ErrEmpty: the file exists and has no content. A store is never empty, so
	// this was one, or another process is creating one.
	ErrEmpty = errors.New("the store file is empty")

	// ErrNotAStore: the file is not a store of this program.
	ErrNotAStore = errors.New("the file is not a store of this program")

	// ErrNewerFormat: a later version of this program wrote the file.
	ErrNewerFormat = errors.New("the store file has a newer format")

	// ErrCorrupt: the file is a store, but parts of it are missing or wrong. A
	// View or Update that reads such a part fails with it. From then on every
	// Update and Ping does, because what they store would be lost with the file.
	// Views of other parts keep working.
	ErrCorrupt = errors.New("the store file is damaged")

	// ErrMoved: the content of the file was moved to another store.
	ErrMoved = errors.New("the store was moved")

	// ErrInUse: another process or this one has the file open.
	ErrInUse = errors.New("the store file is in use")

	// ErrNoSpace: the file system has no room for a copy.
	ErrNoSpace = errors.New("not enough disk space")
)

// errTxEnded is returned by a Tx that is used after its function has returned.
var errTxEnded = errors.New("boltstore: the transaction has ended")

// refused returns an error about the whole file: the sentinel, the file, and
// what to do.
func refused(sentinel error, path, advice string) error {
	return fmt.Errorf("boltstore: %w: %s: %s", sentinel, path, advice)
}

// corrupt returns ErrCorrupt with the damaged part.
func corrupt(path string, what any) error {
	return refused(ErrCorrupt, path, fmt.Sprintf("%s (%v)", restore, what))
}

// guard runs fn and turns a panic into ErrCorrupt: bbolt panics on invalid
// pages. An invalid page number becomes an invalid address; with
// SetPanicOnFault that is a panic too and does not end the process.
func guard(path string, fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = corrupt(path, p)
		}
	}()
	return fn()
}
