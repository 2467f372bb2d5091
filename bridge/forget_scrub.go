package bridge

import (
	"context"
	"time"
)

const (
	// scrubInRequest bounds how long a request waits until what it has deleted is
	// overwritten, scrubInSweep how long a sweep does.
	scrubInRequest = 2 * time.Second
	scrubInSweep   = 10 * time.Second
)

// scrub makes what Forget has deleted unreadable on the disk. It stops after a time; what
// it has done by then, the next call does not repeat.
func (s *Service) scrub(ctx context.Context, most time.Duration) error {
	due := s.unscrubbed.Load()
	if due == 0 {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	err := s.store.Scrub(within)
	if err == nil {
		s.unscrubbed.Add(-due)
	} else if within.Err() != nil {
		return ctx.Err()
	}
	return storeError(err)
}
