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
}

// begin counts an invite until the returned function is called.
func (i *interactive) begin() (end func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.running++; i.running == 1 {
		i.idle = make(chan struct{})
	}
	return func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.running--; i.running == 0 {
			close(i.idle)
			i.idle = nil
		}
	}
}

// maxYield bounds how long a group waits for invites, so that an import proceeds under a
// steady load.
const maxYield = 5 * time.Second

// waitForInvites waits until no caller waits for an invite, or ctx ends.
func (s *Service) waitForInvites(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, maxYield)
	defer cancel()
	s.interactive.mu.Lock()
	idle := s.interactive.idle
	s.interactive.mu.Unlock()
	if idle == nil {
		return
	}
	select {
	case <-idle:
	case <-ctx.Done():
	}
}
