package boltstore

import (
	"context"
	"slices"
	"sync"

	"invitebridge/bridge"
)

// operation is one Update, from its call to its result.
type operation struct {
	ctx  context.Context
	fn   func(bridge.Tx) error
	done chan struct{} // closed when the fields below are final

	err      error
	panicked bool
	reason   any // of the panic
}

func newOperation(ctx context.Context, fn func(bridge.Tx) error) *operation {
	return &operation{ctx: ctx, fn: fn, done: make(chan struct{})}
}

// run calls the function once and records the result.
func (o *operation) run(t *tx) {
	o.err, o.panicked, o.reason = nil, false, nil
	defer t.end()
	defer func() {
		if p := recover(); p != nil {
			o.panicked, o.reason = true, p
		}
	}()
	o.err = o.fn(t)
	// A write that failed half-way must not be committed, even if fn ignored it.
	if o.err == nil {
		o.err = t.broken
	}
}

func (o *operation) failed() bool { return o.panicked || o.err != nil }

// finish publishes the result. The error of a failed commit replaces what the
// function returned, which may depend on writes of others that are lost.
func (o *operation) finish(commitErr error) {
	if commitErr != nil {
		o.err = commitErr
	}
	close(o.done)
}

func (o *operation) isDone() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}

// outcome returns the result, or panics as the function did. The goroutine that
// called Update calls it after done is closed.
func (o *operation) outcome() error {
	if o.panicked {
		panic(o.reason)
	}
	return o.err
}

// queue holds the operations that wait for a commit, in order of arrival.
type queue struct {
	mu  sync.Mutex
	ops []*operation
}

func (q *queue) add(o *operation) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ops = append(q.ops, o)
}

// withdraw removes an operation and reports whether it was still in the queue.
func (q *queue) withdraw(o *operation) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.ops, o)
	if i < 0 {
		return false
	}
	q.ops = slices.Delete(q.ops, i, i+1)
	return true
}

// take removes and returns up to limit operations. Those whose context is done
// are finished here and never run.
func (q *queue) take(limit int) (taken []*operation) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for ; n < len(q.ops) && len(taken) < limit; n++ {
		if err := q.ops[n].ctx.Err(); err != nil {
			q.ops[n].finish(err)
			continue
		}
		taken = append(taken, q.ops[n])
	}
	q.ops = slices.Delete(q.ops, 0, n)
	return taken
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.ops)
}
