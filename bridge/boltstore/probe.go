package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Probe reports whether Open could open or create the file at path. It changes
// nothing. A file that another process has open is left alone and is no error.
//
// Errors: those of [Open] without ErrInUse.
func Probe(path string) error {
	if missing(path) {
		return probeDir(filepath.Dir(path))
	}
	// Opening shows the permissions; it takes no lock and changes nothing.
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		err = f.Close()
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("boltstore: let the user that runs this program read and write the store file: %w", err)
	case err != nil:
		return fmt.Errorf("boltstore: the store file cannot be opened: %w", err)
	}
	if _, err := examine(path, verify); err != nil && !errors.Is(err, ErrInUse) {
		return err
	}
	return nil
}

// probeDir checks whether a file could be created in dir, without creating one.
func probeDir(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	}
	if err == nil {
		err = canCreate(dir)
	}
	if err != nil {
		return notCreated(dir, err)
	}
	return nil
}

// notCreated returns the error for a file that cannot be created in dir.
func notCreated(dir string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("boltstore: there is no directory %s for the store file; create it, owned by the user that runs this program: %w", dir, err)
	}
	return fmt.Errorf("boltstore: the store file cannot be created; let the user that runs this program write to %s: %w", dir, err)
}
