package bridge

import (
	"context"
	"sync"
	"time"
)

// interactive counts the invites that callers wait for, so that imports let them go
// first. The zero value is ready to use.
type interactive struct {
	mu      sync.Mutex
	running int
	idle    chan struct{} // closed when the last one ends; nil: none is running
	seen    bool          // there was one
	latest  time.Duration // when the latest one ended, on the monotonic clock
}

// begin counts an invite until the returned function is called.
func (i *interactive) begin(clock func() time.Duration) (end func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.running++; i.running == 1 {
		i.idle = make(chan struct{})
	}
	return func() {
		now := clock()
		i.mu.Lock()
		defer i.mu.Unlock()
		i.seen, i.latest = true, now
		if i.running--; i.running == 0 {
			close(i.idle)
			i.idle = nil
		}
	}
}

// lately is how long after an invite the next one is expected.
const lately = 5 * time.Second

// expected reports whether an invite is running, or was lately.
func (i *interactive) expected(now time.Duration) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.running > 0 || i.seen && now-i.latest < lately
}

// maxYield bounds how long a group waits for invites, so that an import proceeds under a
// steady load.
const maxYield = 100 * time.Millisecond

// waitForInvites waits until no caller waits for an invite, or ctx ends.
func (s *Service) waitForInvites(ctx context.Context) {
	s.interactive.mu.Lock()
	idle := s.interactive.idle
	s.interactive.mu.Unlock()
	if idle != nil {
		waitFor(ctx, idle, maxYield)
	}
}

// waitFor waits until done is closed, but no longer than most, or until ctx ends.
func waitFor(ctx context.Context, done <-chan struct{}, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
