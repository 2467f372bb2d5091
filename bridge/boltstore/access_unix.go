//go:build unix

package boltstore

import "syscall"

// canCreate returns an error if this process may not create files in dir.
func canCreate(dir string) error {
	const write, search = 2, 1
	return syscall.Access(dir, write|search)
}
