//go:build unix

package main

import (
	"context"
	"net"
	"syscall"
)

// canAccess returns an error unless this process has access to path with mode: 2
// is writing, 1 is searching a directory.
func canAccess(path string, mode uint32) error { return syscall.Access(path, mode) }

// listenPrivately binds a unix socket to which only this user can connect. It
// changes the umask of the process while it binds.
func listenPrivately(ctx context.Context, path string) (net.Listener, error) {
	before := syscall.Umask(0o177)
	defer syscall.Umask(before)
	return new(net.ListenConfig).Listen(ctx, "unix", path)
}
