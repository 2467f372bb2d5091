package outbox

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// slots bounds and awaits the attempts of an endpointWorker. It is safe for
// concurrent use, but only the worker's goroutine calls the methods that wait.
type slots struct {
	size  int
	total *atomic.Int32 // attempts of this and earlier workers of the endpoint

	mu    sync.Mutex
	open  bool // for reservations: the worker waits for messages
	busy  int
	freed chan struct{} // holds a value after an attempt has ended
}

func newSlots(size int, total *atomic.Int32) *slots {
	return &slots{size: size, total: total, freed: make(chan struct{}, 1)}
}

// free returns how many attempts may be started. One is allowed even if attempts
// of earlier workers use all slots, because those may hang.
func (s *slots) free() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.freeNow()
}

func (s *slots) freeNow() int { return max(s.size-int(s.total.Load()), 1-s.busy, 0) }

// take takes a free slot.
func (s *slots) take() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takeNow()
}

func (s *slots) takeNow() {
	s.busy++
	s.total.Add(1)
}

// reserve takes a slot if one is free while the worker waits for messages.
func (s *slots) reserve() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open || s.freeNow() == 0 {
		return false
	}
	s.takeNow()
	return true
}

// setOpen permits or ends reservations.
func (s *slots) setOpen(open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = open
}

// release gives a slot back.
func (s *slots) release() {
	s.mu.Lock()
	s.busy--
	s.mu.Unlock()
	s.total.Add(-1)
	select {
	case s.freed <- struct{}{}:
	default: // the worker will look anyway
	}
}

// slotWait bounds how long waitFor waits for more than one free slot.
const slotWait = 50 * time.Millisecond

// waitFor waits until n slots are free, after slotWait until one is. It returns
// false if ctx has ended.
func (s *slots) waitFor(ctx context.Context, n int) bool {
	if s.free() >= n {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(slotWait)
	defer timer.Stop()
	for s.free() < n {
		select {
		case <-s.freed:
		case <-timer.C:
			n = 1
			if int(s.total.Load()) > s.used() {
				timer.Reset(slotWait) // attempts of earlier workers signal their end to those only
			}
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// wait waits for all attempts to end. No new one may be started.
func (s *slots) wait() {
	for s.used() > 0 {
		<-s.freed
	}
}

func (s *slots) used() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busy
}
