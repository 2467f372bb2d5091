package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Copy is a file that a backup is written to. It has its name only once it is
// whole: a crash leaves at worst a file "<name>.partial-*", which is worth
// nothing.
type Copy struct {
	path string
	temp *os.File
}

// NewCopy begins a copy that is to be at path. Its directory must exist, and
// nothing be at path: fs.ErrExist. The caller owes it a Drop.
func NewCopy(path string) (*Copy, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	dir, name := filepath.Split(path)
	temp, err := os.CreateTemp(filepath.Clean(dir), name+".partial-*") // mode 0600: it holds personal data
	if err != nil {
		return nil, err
	}
	return &Copy{path, temp}, nil
}

// Write implements [io.Writer].
func (c *Copy) Write(p []byte) (int, error) { return c.temp.Write(p) }

// Keep has the copy checked, as [Check] does it, and gives it its name. When it
// returns nil, the file survives a crash of the machine. What has come to be at
// the path meanwhile stays: fs.ErrExist.
func (c *Copy) Keep() error {
	if err := errors.Join(c.temp.Sync(), c.temp.Close()); err != nil {
		return err
	}
	if err := Check(c.temp.Name()); err != nil {
		return fmt.Errorf("the copy is not whole, and was not kept: %w", err)
	}
	if err := place(c.temp.Name(), c.path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(c.path))
}

// Drop removes what was not kept.
func (c *Copy) Drop() error {
	_ = c.temp.Close() // which Keep may have done
	if err := os.Remove(c.temp.Name()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
