package boltstore

import (
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	fileMode = 0o600
	pageSize = 4096

	// How long Open waits for a process that is closing the store: first while
	// it inspects the file, then, briefly, for the write lock.
	inspectTimeout = 800 * time.Millisecond
	lockTimeout    = 150 * time.Millisecond

	freelistType = bbolt.FreelistMapType

	// mapSize is the least address space reserved for the file. It costs no memory.
	// When a file outgrows its reservation, bbolt remaps it, for which a writer must
	// wait until no reader is left: in a large file, until a backup is complete.
	mapSize = 4 << 30

	// growStep is the step in which the file grows. bbolt's default is 16 MiB,
	// which is more than most stores ever hold.
	growStep = 1 << 20
)

// Open opens the store in the file at path, and creates it if there is none. Its
// directory must exist. Only one process at a time can have it open. A file of an
// earlier format is converted. The caller must close the Store.
//
// A file that cannot be used is not changed, and the error says what to do.
//
// Errors: ErrEmpty, ErrNotAStore, ErrNewerFormat, ErrMoved, ErrCorrupt; ErrInUse
// after at most one second.
func Open(path string, options ...Option) (*Store, error) {
	// A dangling symbolic link counts as present and fails below: Open does not
	// guess where the store should be.
	if missing(path) {
		if err := create(path); err != nil {
			return nil, err
		}
	}
	h, err := examine(path, verify)
	if err != nil {
		return nil, err
	}
	return openExamined(path, h, options)
}

// openExamined opens a file that has a header.
func openExamined(path string, h Header, options []Option) (*Store, error) {
	o := boltOptions(lockTimeout)
	reserve(o, path)
	var file *os.File
	open := o.OpenFile
	o.OpenFile = func(name string, flag int, mode os.FileMode) (_ *os.File, err error) {
		file, err = open(name, flag, mode)
		return file, err
	}
	db, err := openBolt(path, o)
	if err != nil {
		return nil, err
	}
	// The file was not locked between the two opens.
	again, err := readHeader(db, path)
	if err == nil && (again.InstanceID != h.InstanceID || again.MovedTo != h.MovedTo) {
		err = refused(ErrInUse, path, "it was replaced while it was opened; try again")
	}
	if err == nil {
		again, err = migrate(db, again)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	db.AllocSize = growStep
	return newStore(db, file, again, options), nil
}

func boltOptions(timeout time.Duration) *bbolt.Options {
	o := &bbolt.Options{
		Timeout: timeout,
		// Each commit writes the list of free pages: it is short, and without it
		// each start would have to read the whole file.
		NoFreelistSync: false,
		FreelistType:   freelistType,
		// If the file had disappeared, bbolt would create one without a header.
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			return os.OpenFile(name, flag&^os.O_CREATE, mode)
		},
	}
	if math.MaxInt > mapSize {
		o.InitialMmapSize = mapSize
	}
	return o
}

// reserve makes room for the file to double.
func reserve(o *bbolt.Options, path string) {
	info, err := os.Stat(path)
	if err == nil && info.Size() <= math.MaxInt/2 { // opening it reports the error
		o.InitialMmapSize = max(o.InitialMmapSize, 2*int(info.Size()))
	}
}

// examine checks that the file is a store that was not moved, and returns its
// header. It opens the file for reading only, and runs check before bbolt follows any
// page.
func examine(path string, check func(path string) error) (Header, error) {
	h, err := examineAny(path, check)
	if err == nil {
		err = h.refuseMoved(path)
	}
	return h, err
}

// examineAny is examine for a file that may have been moved.
func examineAny(path string, check func(path string) error) (Header, error) {
	// The size and kind come first, for bbolt takes an empty file for a new one.
	if err := verify(path); errors.Is(err, ErrEmpty) || errors.Is(err, ErrNotAStore) {
		return Header{}, err
	}
	o := boltOptions(inspectTimeout)
	o.ReadOnly = true
	db, openErr := openBolt(path, o)
	if errors.Is(openErr, ErrInUse) {
		return Header{}, openErr
	}
	if openErr == nil {
		defer func() { _ = db.Close() }()
	}
	// Checked again, now that no process is writing. What would make bbolt panic
	// while it opens the file for writing has to be found here: after such a
	// panic bbolt would keep its lock.
	if err := check(path); err != nil {
		return Header{}, err
	}
	if openErr != nil {
		return Header{}, openErr
	}
	return readHeader(db, path)
}

// openBolt opens the file with bbolt and translates its errors.
func openBolt(path string, o *bbolt.Options) (db *bbolt.DB, err error) {
	var opened *os.File
	options := *o
	options.OpenFile = func(name string, flag int, mode os.FileMode) (_ *os.File, err error) {
		opened, err = o.OpenFile(name, flag, mode)
		return opened, err
	}
	err = guard(path, func() (err error) {
		db, err = bbolt.Open(path, fileMode, &options)
		return err
	})
	switch {
	case err == nil && replaced(opened, path):
		return nil, errors.Join(refused(ErrInUse, path, "it was replaced while it was opened; try again"), db.Close())
	case err == nil:
		return db, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, refused(ErrInUse, path, "another process has it open; stop that process, or use its API")
	case errors.Is(err, ErrCorrupt):
		return nil, err
	default:
		return nil, fmt.Errorf("boltstore: the store file %s cannot be opened: %w", path, err)
	}
}

// replaced reports whether path has become another file since it was opened:
// what is written to the opened one would be lost.
func replaced(opened *os.File, path string) bool {
	was, wasErr := opened.Stat()
	is, err := os.Stat(path)
	return wasErr != nil || err != nil || !os.SameFile(was, is)
}
