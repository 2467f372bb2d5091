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

// run calls the function once and notes how it ended.
func (o *operation) run(t *tx) {
	o.err, o.panicked, o.reason = nil, false, nil
	defer t.end()
	defer func() {
		if p := recover(); p != nil {
			o.panicked, o.reason = true, p
		}
	}()
	o.err = o.fn(t)
	// A write that broke half-way must not be kept, even if fn overlooked it.
	if o.err == nil {
		o.err = t.broken
	}
}

func (o *operation) failed() bool { return o.panicked || o.err != nil }

// finish makes the result known. A failed commit takes the place of what the
// function returned: that may rest on writes of others which are gone.
func (o *operation) finish(commitErr error) {
	if commitErr != nil {
		o.err = commitErr
	}
	close(o.done)
}

func (o *operation) over() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}

// outcome is for the goroutine that called Update, once done is closed.
func (o *operation) outcome() error {
	if o.panicked {
		panic(o.reason)
	}
	return o.err
}

// queue holds the operations that wait for a commit, the first first.
type queue struct {
	mu  sync.Mutex
	ops []*operation
}

func (q *queue) add(o *operation) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ops = append(q.ops, o)
}

// withdraw removes an operation, if it was not taken yet.
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

// take removes up to limit operations. Those whose context has ended are
// finished here and never run.
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
