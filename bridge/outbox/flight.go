package outbox

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// flight bounds and awaits the attempts of a lane. Only the lane's goroutine
// calls its methods.
type flight struct {
	size  int
	busy  int
	total *atomic.Int32 // of all flights to the endpoint: this one and those before it
	ended chan struct{} // one value for each attempt that has ended
	all   sync.WaitGroup
}

func newFlight(size int, total *atomic.Int32) *flight {
	return &flight{size: size, total: total, ended: make(chan struct{}, size)}
}

// free gives how many attempts may be started. One is let through even if those
// of flights before this one take all the room: they may be what hangs.
func (f *flight) free() int { return max(f.size-int(f.total.Load()), 1-f.busy, 0) }

// start runs an attempt. There must be a free slot.
func (f *flight) start(attempt func()) {
	f.busy++
	f.total.Add(1)
	f.all.Go(func() {
		defer func() { f.total.Add(-1); f.ended <- struct{}{} }()
		attempt()
	})
}

// patience is how long await insists on more than one free slot.
const patience = 50 * time.Millisecond

// await waits until n slots are free, or after a while until any is; false: ctx
// has ended.
func (f *flight) await(ctx context.Context, n int) bool {
	impatient := time.NewTimer(patience)
	defer impatient.Stop()
	for {
		select {
		case <-f.ended:
			f.busy--
			continue
		default:
		}
		if f.free() >= n {
			return ctx.Err() == nil
		}
		select {
		case <-f.ended:
			f.busy--
		case <-impatient.C:
			n = 1
		case <-ctx.Done():
			return false
		}
	}
}

// land waits for all attempts to end.
func (f *flight) land() {
	f.all.Wait()
	for f.busy > 0 {
		<-f.ended
		f.busy--
	}
}
