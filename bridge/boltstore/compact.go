package boltstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// Compacted is the result of [Compact].
type Compacted struct {
	Path          string // the file, without symbolic links
	Before, After int64  // its size in bytes
}

// Compact replaces the store file at path by a copy without free pages. No
// process may have the file open, and none can open it meanwhile. The copy is
// built beside the file, checked, compared with it row by row, and renamed: a
// crash at any time leaves the old file or the new one. What a crash leaves of an
// unfinished copy, ".<name>.compacting", the next Compact removes.
//
// After an error the file is unchanged, unless the error says otherwise.
//
// Errors: those of [Open], but a missing file is not created; ErrCorrupt also if
// only a part is damaged; ErrNoSpace; that of ctx.
func Compact(ctx context.Context, path string) (Compacted, error) {
	return compactor{freeSpace: freeSpace, reached: func(string) {}}.run(ctx, path)
}

// compactor has what tests replace.
type compactor struct {
	freeSpace func(dir string) (uint64, error)
	reached   func(step string) // called after each step
}

func (c compactor) run(ctx context.Context, path string) (result Compacted, err error) {
	path, err = filepath.EvalSymlinks(path)
	if err != nil {
		return result, fmt.Errorf("boltstore: %w", err)
	}
	if _, err := examine(path, verify); err != nil {
		return result, err
	}
	// Until the file is replaced, this lock keeps others from opening it.
	db, err := openBolt(path, boltOptions(lockTimeout))
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	before, err := os.Stat(path)
	if err != nil {
		return result, err
	}
	if err := verifyWhole(path); err != nil {
		return result, err
	}
	dir, name := filepath.Split(path)
	temp := filepath.Join(dir, "."+name+".compacting")
	if err := c.prepare(db, temp); err != nil {
		return result, notCompacted(path, err)
	}
	after, err := c.build(ctx, db, temp, before)
	if err == nil {
		err = stillAt(path, before)
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp) // not later: after the rename it would be the copy of another process
		return result, notCompacted(path, err)
	}
	c.reached("renamed")
	if err := syncDir(filepath.Clean(dir)); err != nil {
		return result, fmt.Errorf("boltstore: the store file %s was compacted, but a crash of the machine may undo that: %w", path, err)
	}
	return Compacted{path, before.Size(), after}, nil
}

// stillAt returns an error if the file at path has become another one. To restore a
// backup, nobody needs the lock.
func stillAt(path string, file fs.FileInfo) error {
	now, err := os.Stat(path)
	if err == nil && !os.SameFile(file, now) {
		err = refused(ErrInUse, path, "it was replaced while it was compacted")
	}
	return err
}

func notCompacted(path string, err error) error {
	return fmt.Errorf("boltstore: the store file %s was not compacted and is unchanged: %w", path, err)
}

// prepare removes what a crash has left at temp, and checks that there is room
// for a copy.
func (c compactor) prepare(db *bbolt.DB, temp string) error {
	switch info, err := os.Lstat(temp); {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s is in the way, and is nothing that this program leaves; remove it", temp)
	case err == nil:
		err = os.Remove(temp)
		if err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	c.reached("prepared")
	free, err := c.freeSpace(filepath.Dir(temp))
	if err != nil {
		return err
	}
	need, err := inUse(db)
	if err == nil && need > free {
		err = fmt.Errorf("%w: the copy beside the file needs up to %d bytes, and %d are free", ErrNoSpace, need, free)
	}
	return err
}

// build makes the copy, complete and on disk, with the mode and owner of the
// file, and returns its size.
func (c compactor) build(ctx context.Context, db *bbolt.DB, temp string, file fs.FileInfo) (size int64, err error) {
	made, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, made.Close()) }()
	if err := c.copyTo(ctx, db, temp); err != nil {
		return 0, err
	}
	c.reached("copied")
	if err := Check(temp); err != nil {
		return 0, err
	}
	if err := compareWith(ctx, db, temp); err != nil {
		return 0, err
	}
	c.reached("compared")
	if err := errors.Join(takeOwner(made, file), made.Chmod(file.Mode().Perm()), made.Sync()); err != nil {
		return 0, err
	}
	c.reached("complete")
	info, err := made.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
