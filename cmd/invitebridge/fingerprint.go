package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxWatched bounds what is looked at below one directory, should somebody name
// a large one.
const maxWatched = 1000

// fingerprint is another if a file has changed, or what lies below a directory.
func fingerprint(paths []string) string {
	var seen strings.Builder
	for _, path := range paths {
		if target, err := filepath.EvalSymlinks(path); err == nil {
			path = target
		}
		looked := 0
		err := filepath.WalkDir(path, func(path string, _ fs.DirEntry, err error) error {
			if looked++; err != nil || looked > maxWatched {
				return filepath.SkipAll
			}
			if info, err := os.Stat(path); err == nil { // of what a link leads to
				fmt.Fprintln(&seen, path, info.Size(), info.ModTime().UnixNano(), info.Mode())
			}
			return nil
		})
		if err != nil {
			return ""
		}
	}
	return seen.String()
}
