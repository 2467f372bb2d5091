package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxFiles limits the files read below one directory, in case a large directory
// is configured.
const maxFiles = 1000

// fingerprint returns a text that changes if a file changes, or anything below a
// directory.
func fingerprint(paths []string) string {
	var seen strings.Builder
	for _, path := range paths {
		if target, err := filepath.EvalSymlinks(path); err == nil {
			path = target
		}
		files := 0
		err := filepath.WalkDir(path, func(path string, _ fs.DirEntry, err error) error {
			if files++; err != nil || files > maxFiles {
				return filepath.SkipAll
			}
			if info, err := os.Stat(path); err == nil { // follows links
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
