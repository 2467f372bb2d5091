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

	// A store that is being closed by the process before is waited for: first
	// while inspecting the file, then, briefly, for the lock to write.
	inspectTimeout = 800 * time.Millisecond
	lockTimeout    = 150 * time.Millisecond

	freelistType = bbolt.FreelistMapType

	// mapSize is how much of the address space is set aside for the file. It
	// costs no memory. When a file outgrows it, bbolt maps it anew, for which a
	// writer must wait until no reader is left.
	mapSize = 4 << 30

	// growStep is by how much the file grows, when it has to. bbolt would take
	// 16 MiB, which is more than most stores ever hold.
	growStep = 1 << 20
)

// Open opens the store in the file at path and makes a new one if there is no
// such file. Its directory must exist. One process at a time can have it open.
//
// A file that cannot be used is refused with an error that says what to do, and
// is not changed: ErrEmpty, ErrForeign, ErrNewer, ErrDamaged, ErrInUse (after at
// most one second). One of an earlier format is converted.
func Open(path string, options ...Option) (*Store, error) {
	// A link that leads nowhere is left to fail: nobody knows where the store
	// should be.
	if missing(path) {
		if err := create(path); err != nil {
			return nil, err
		}
	}
	h, err := examine(path, inspect)
	if err != nil {
		return nil, err
	}
	db, err := openBolt(path, boltOptions(lockTimeout))
	if err != nil {
		return nil, err
	}
	// Between the two the file was not locked.
	again, err := readHeader(db, path)
	if err == nil && again.InstanceID != h.InstanceID {
		err = refused(ErrInUse, path, "it was replaced just now; try again")
	}
	if err == nil {
		again, err = convert(db, again)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	db.AllocSize = growStep
	return newStore(db, again, options), nil
}

func boltOptions(timeout time.Duration) *bbolt.Options {
	o := &bbolt.Options{
		Timeout: timeout,
		// The list of free pages is written with every commit: it is short, and
		// without it each start would have to read the whole file.
		NoFreelistSync: false,
		FreelistType:   freelistType,
		// bbolt would make the file if it had gone, and without a header.
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			return os.OpenFile(name, flag&^os.O_CREATE, mode)
		},
	}
	if math.MaxInt > mapSize {
		o.InitialMmapSize = mapSize
	}
	return o
}

// examine says whether the file is a store, without any right to write it. It
// looks first, before bbolt follows what stands in the pages.
func examine(path string, look func(path string) error) (Header, error) {
	// The size and kind come first, for bbolt takes an empty file for a new one.
	if err := inspect(path); errors.Is(err, ErrEmpty) || errors.Is(err, ErrForeign) {
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
	// Once more, now that nobody is writing. Whatever would make bbolt panic
	// while it opens the file to write had better be found here: it would keep
	// its lock.
	if err := look(path); err != nil {
		return Header{}, err
	}
	if openErr != nil {
		return Header{}, openErr
	}
	return readHeader(db, path)
}

// openBolt opens the file with bbolt and translates its errors.
func openBolt(path string, o *bbolt.Options) (db *bbolt.DB, err error) {
	err = guard(path, func() (err error) {
		db, err = bbolt.Open(path, fileMode, o)
		return err
	})
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, refused(ErrInUse, path, "another process has it open; end that one, or ask it over its API")
	case errors.Is(err, ErrDamaged):
		return nil, err
	default:
		return nil, fmt.Errorf("boltstore: the store file %s cannot be opened: %w", path, err)
	}
}
