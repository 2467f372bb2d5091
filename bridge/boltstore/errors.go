package boltstore

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// Errors of this package, for errors.Is. What [Open] returns says also which
// file it is about and what to do.
var (
	// ErrEmpty: the file is there and has no content. A store is never empty,
	// so this was one, or was meant to become one by somebody else.
	ErrEmpty = errors.New("the store file is empty")

	// ErrForeign: the file is something else than a store of this program.
	ErrForeign = errors.New("the file is not a store of this program")

	// ErrNewer: a later version of this program wrote the file.
	ErrNewer = errors.New("the store file has a newer format")

	// ErrDamaged: the file is a store, and parts of it are missing or wrong. A
	// View or Update that meets such a part gets it, too. From then on every
	// Update and Ping does: what they stored would be lost with the file. A View
	// of other parts goes on.
	ErrDamaged = errors.New("the store file is damaged")

	// ErrInUse: another process, or this one, has the file open.
	ErrInUse = errors.New("the store file is in use")

	// ErrClosed: the store was closed.
	ErrClosed = errors.New("the store is closed")

	// ErrReadOnly: a View tried to write.
	ErrReadOnly = errors.New("a view must not write")
)

// errTxOver tells of a Tx that was kept longer than its function ran.
var errTxOver = errors.New("boltstore: the transaction is over")

// refused is an error that concerns the whole file: the sentinel, the file, and what to do.
func refused(sentinel error, path, advice string) error {
	return fmt.Errorf("boltstore: %w: %s: %s", sentinel, path, advice)
}

// damaged is what is told of a part that is wrong.
func damaged(path string, what any) error {
	return refused(ErrDamaged, path, fmt.Sprintf("%s (%v)", restore, what))
}

// guard runs fn and turns a panic of bbolt, which is its way of telling of
// pages that make no sense, into ErrDamaged. A page number that makes no sense
// is an address that makes none: that, too, is an error then and not the end of
// the process.
func guard(path string, fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = damaged(path, p)
		}
	}()
	return fn()
}
