//go:build unix

package main

import (
	"context"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
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

// terminalWidth returns the width of a terminal in characters; 0: out is none.
func terminalWidth(out io.Writer) int {
	const usual = 80
	file, ok := out.(*os.File)
	if !ok {
		return 0
	}
	size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ) // #nosec G115 -- a descriptor is an int
	if err != nil {
		return 0
	}
	if size.Col == 0 {
		return usual
	}
	return int(size.Col)
}
