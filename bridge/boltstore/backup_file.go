package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// BackupFile receives a backup. It gets its final name when it is complete; a
// crash before that leaves a file "<name>.partial-*", which can be deleted.
type BackupFile struct {
	path string
	temp *os.File
}

// CreateBackupFile begins a backup to path, whose directory must exist. The
// caller must call Abort.
//
// Errors: fs.ErrExist if something is at path.
func CreateBackupFile(path string) (*BackupFile, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	dir, name := filepath.Split(path)
	temp, err := os.CreateTemp(filepath.Clean(dir), name+".partial-*") // mode 0600: it holds personal data
	if err != nil {
		return nil, err
	}
	return &BackupFile{path, temp}, nil
}

// Write implements [io.Writer].
func (c *BackupFile) Write(p []byte) (int, error) { return c.temp.Write(p) }

// Commit checks the copy as [Check] does and gives it its final name. After nil,
// the file survives a crash of the machine.
//
// Errors: ErrCorrupt and others of Check; fs.ErrExist if a file has appeared at
// the path meanwhile, which is kept.
func (c *BackupFile) Commit() error {
	if err := errors.Join(c.temp.Sync(), c.temp.Close()); err != nil {
		return err
	}
	if err := Check(c.temp.Name()); err != nil {
		return fmt.Errorf("the copy is incomplete or damaged, and was not kept: %w", err)
	}
	if err := publish(c.temp.Name(), c.path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(c.path))
}

// Abort removes the temporary file. A file that Commit published stays.
func (c *BackupFile) Abort() error {
	_ = c.temp.Close() // Commit may have closed it
	if err := os.Remove(c.temp.Name()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
