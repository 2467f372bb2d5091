//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package kratostest

import "context"

// lockFile does nothing on systems without flock: two processes may build
// concurrently there, and the later rename wins, which is harmless.
func lockFile(context.Context, string) (unlock func(), err error) {
	return func() {}, nil
}
