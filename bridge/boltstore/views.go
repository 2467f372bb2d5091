package boltstore

import (
	"context"
	"sync"
)

// views knows which views may still read pages that the latest commit has freed. The
// zero value is ready to use.
type views struct {
	mu      sync.Mutex
	commits uint64         // that have ended
	open    map[uint64]int // views, by the commits that had ended before they began
	ended   chan struct{}  // closed when a view ends; nil: nobody waits
}

// begin registers a view before its transaction begins. The caller must call end after
// the transaction has ended.
func (v *views) begin() (end func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.open == nil {
		v.open = make(map[uint64]int)
	}
	since := v.commits
	v.open[since]++
	return func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.open[since]--; v.open[since] == 0 {
			delete(v.open, since)
		}
		if v.ended != nil {
			close(v.ended)
			v.ended = nil
		}
	}
}

// committed registers the end of a commit, whatever its result.
func (v *views) committed() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.commits++
}

// waitForOlder waits until all views have ended that began before the latest commit.
// While the caller keeps others from committing, all other views read what that commit
// has left.
func (v *views) waitForOlder(ctx context.Context) error {
	for {
		ended := v.older()
		if ended == nil {
			return nil
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// older returns a channel that is closed when a view ends; nil: there is no older one.
func (v *views) older() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	for since := range v.open {
		if since < v.commits {
			if v.ended == nil {
				v.ended = make(chan struct{})
			}
			return v.ended
		}
	}
	return nil
}
