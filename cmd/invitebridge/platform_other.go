//go:build !unix

package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
)

// canAccess returns an error only if path does not exist: permissions cannot be
// checked here.
func canAccess(path string, _ uint32) error {
	_, err := os.Stat(path)
	return err
}

// listenPrivately always fails: no file mode would keep other users out.
func listenPrivately(context.Context, string) (net.Listener, error) {
	return nil, errors.New("unix sockets are available on Unix systems only; set host to an IP address or host name")
}

// terminalWidth returns 0: terminals are not recognized here.
func terminalWidth(io.Writer) int { return 0 }
