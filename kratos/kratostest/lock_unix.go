//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kratostest

import (
	"context"
	"os"
	"syscall"
	"time"
)

// lockFile waits for the lock on path. The system releases the lock when its
// holder exits, so no lock is ever stale.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	retry := time.NewTicker(100 * time.Millisecond)
	defer retry.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			f.Close()
			return nil, err
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		}
	}
}
