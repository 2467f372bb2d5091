package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// create makes a new store file. It is built under a name of its own beside
// path and appears at path when it is complete and synced, so a crash leaves at
// worst a file ".<name>.new-*" that nobody reads; where the file system knows no
// hard links, perhaps an empty one at path, which Open refuses. If another process has made
// the file meanwhile, theirs stays.
func create(path string) error {
	dir, name := filepath.Split(path)
	dir = filepath.Clean(dir)
	temp, err := os.CreateTemp(dir, "."+name+".new-*") // mode 0600
	if err != nil {
		return unmade(dir, err)
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	err = temp.Close()
	if err == nil {
		err = build(temp.Name())
	}
	if err == nil {
		err = place(temp.Name(), path)
	}
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("boltstore: the store file %s cannot be made: %w", path, err)
	}
	return nil
}

func build(path string) error {
	db, err := bbolt.Open(path, fileMode, &bbolt.Options{Timeout: lockTimeout, FreelistType: freelistType, PageSize: pageSize})
	if err != nil {
		return err
	}
	return errors.Join(fill(db, newHeader()), db.Close())
}

// link is os.Link, save in tests of a file system that knows no hard links.
var link = os.Link

// place gives a file its final name without taking the place of another,
// fs.ErrExist: of two processes that start at once, one would lose all it then
// stores.
func place(temp, path string) error {
	err := link(temp, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	// Without hard links there is only Rename, which asks nobody. So the name is
	// taken first, by an empty file, which nobody opens: see ErrEmpty.
	taken, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	if err = errors.Join(taken.Close(), os.Rename(temp, path)); err != nil {
		_ = os.Remove(path)
	}
	return err
}

// syncDir makes the names in a directory survive a crash of the machine.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
