//go:build linux || darwin

package boltstore

import (
	"io/fs"
	"os"
	"syscall"
)

// freeSpace returns how many bytes this process may still write to the file
// system of dir.
func freeSpace(dir string) (uint64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, &fs.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return s.Bavail * uint64(s.Bsize), nil //nolint:gosec // no block has a negative size
}

// takeOwner gives a file the owner and group of another.
func takeOwner(file *os.File, of fs.FileInfo) error {
	want := of.Sys().(*syscall.Stat_t)
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if has := info.Sys().(*syscall.Stat_t); has.Uid == want.Uid && has.Gid == want.Gid {
		return nil
	}
	return file.Chown(int(want.Uid), int(want.Gid))
}
