package bridge

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// scrubInRequest bounds how long a request waits until what it has deleted is
	// overwritten, scrubInSweep how long a sweep does.
	scrubInRequest = 2 * time.Second
	scrubInSweep   = 10 * time.Second
)

// deletions counts what Forget has deleted, and what Scrub has followed.
type deletions struct {
	made     atomic.Int64 // counted before and after each update
	scrubs   sync.Mutex   // one at a time
	scrubbed int64        // guarded by scrubs
}

// scrub makes what Forget has deleted unreadable on the disk. It stops after a time, and
// returns at once if another call is running; then a later sweep does it.
func (s *Service) scrub(ctx context.Context, most time.Duration) error {
	d := &s.deletions
	if !d.scrubs.TryLock() {
		return nil
	}
	defer d.scrubs.Unlock()
	made := d.made.Load()
	if d.scrubbed == made {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	err := s.store.Scrub(within)
	if err == nil {
		d.scrubbed = made
	} else if within.Err() != nil {
		return ctx.Err()
	}
	return storeError(err)
}
