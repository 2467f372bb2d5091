package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// create makes a new store file. It is built under a temporary name beside path
// and appears at path when it is complete and synced. A crash leaves at worst an
// unused file ".<name>.new-*" or, on a file system without hard links, an empty
// file at path, which Open refuses. If another process has created path
// meanwhile, that file is kept.
func create(path string) error {
	dir, name := filepath.Split(path)
	dir = filepath.Clean(dir)
	temp, err := os.CreateTemp(dir, "."+name+".new-*") // mode 0600
	if err != nil {
		return notCreated(dir, err)
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	err = temp.Close()
	if err == nil {
		err = build(temp.Name())
	}
	if err == nil {
		err = publish(temp.Name(), path)
	}
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("boltstore: the store file %s cannot be created: %w", path, err)
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

// link is os.Link, except in tests of a file system without hard links.
var link = os.Link

// publish gives a file its final name and never replaces another file: of two
// processes that start at once, one would lose everything it then stores.
//
// Errors: fs.ErrExist if path exists.
func publish(temp, path string) error {
	err := link(temp, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	// Without hard links there is only Rename, which replaces silently. So an
	// empty file reserves the name first; Open refuses it, see ErrEmpty.
	taken, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	if err = errors.Join(taken.Close(), os.Rename(temp, path)); err != nil {
		_ = os.Remove(path)
	}
	return err
}

// syncDir makes the directory entries survive a crash of the machine.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
