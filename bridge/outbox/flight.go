package outbox

import (
	"context"
	"sync"
	"time"
)

// flight bounds and awaits the attempts of a lane. Only the lane's goroutine
// calls its methods.
type flight struct {
	size  int
	busy  int
	ended chan struct{} // one value for each attempt that has ended
	all   sync.WaitGroup
}

func newFlight(size int) *flight { return &flight{size: size, ended: make(chan struct{}, size)} }

func (f *flight) free() int { return f.size - f.busy }

// start runs an attempt. There must be a free slot.
func (f *flight) start(attempt func()) {
	f.busy++
	f.all.Go(func() {
		defer func() { f.ended <- struct{}{} }()
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
