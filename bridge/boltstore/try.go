package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Try says whether Open could use the file at path, or make it, with the same
// errors. It changes nothing, and leaves a file that another process has open to
// that: ErrInUse is no error here.
func Try(path string) error {
	if missing(path) {
		return tryDir(filepath.Dir(path))
	}
	// Closed at once, and not locked.
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
	if _, err := examine(path, inspect); err != nil && !errors.Is(err, ErrInUse) {
		return err
	}
	return nil
}

// tryDir asks the system whether a file could be made, for making one would show.
func tryDir(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	}
	if err == nil {
		const write, search = 2, 1
		err = syscall.Access(dir, write|search)
	}
	if err != nil {
		return unmade(dir, err)
	}
	return nil
}

// unmade says why no file can be made in dir.
func unmade(dir string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("boltstore: there is no directory %s for the store file; create it, owned by the user that runs this program: %w", dir, err)
	}
	return fmt.Errorf("boltstore: the store file cannot be made; let the user that runs this program write to %s: %w", dir, err)
}
