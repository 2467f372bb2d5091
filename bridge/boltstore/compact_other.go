//go:build !linux && !darwin

package boltstore

import (
	"errors"
	"io/fs"
	"os"
)

// freeSpace always fails: Compact renames over an open file, which is possible on
// Unix only.
func freeSpace(string) (uint64, error) {
	return 0, errors.New("compacting is available on Linux and macOS only")
}

func takeOwner(*os.File, fs.FileInfo) error { return nil }
