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
// worst a file ".<name>.new-*" that nobody reads. If another process has made
// the file meanwhile, theirs stays.
func create(path string) error {
	dir, name := filepath.Split(path)
	dir = filepath.Clean(dir)
	temp, err := os.CreateTemp(dir, "."+name+".new-*") // mode 0600
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("boltstore: there is no directory %s for the store file; create it, owned by the user that runs this program: %w", dir, err)
	case err != nil:
		return fmt.Errorf("boltstore: the store file cannot be made; let the user that runs this program write to %s: %w", dir, err)
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	err = temp.Close()
	if err == nil {
		err = build(temp.Name())
	}
	if err == nil {
		err = place(temp.Name(), path)
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

// place gives a file its final name without taking the place of another: of
// two processes that start at once, one would lose all it then stores.
func place(temp, path string) error {
	err := os.Link(temp, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	// Some file systems know no hard links.
	return os.Rename(temp, path)
}

// syncDir makes the names in a directory survive a crash of the machine.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
