// Package importer runs imports: it calls the domain whenever an import has work, in
// a few goroutines. The domain decides what is to be done and when.
//
// If the process dies, its groups of rows are claimed again by this or another process
// when their lease ends.
package importer

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Imports is the source of work; *bridge.Service implements it.
type Imports interface {
	RunImports(ctx context.Context) (next time.Time, err error)
}

const (
	// workers is how many groups this process processes at a time: while Kratos creates
	// the identities of one, the store commits the other.
	workers = 2
	// retryDelay is the pause after an error of the store.
	retryDelay = 5 * time.Second
	// stopTimeout bounds how long Run waits for the groups in progress when it must return.
	stopTimeout = 10 * time.Second
)

// Worker runs imports. It is safe for concurrent use.
type Worker struct {
	imports Imports
	log     *slog.Logger
	now     func() time.Time
	poll    time.Duration // 0: only this process changes imports
	wakeups chan struct{}
}

// New returns a Worker. It starts no goroutine. now is the clock of the domain. If other
// processes share the store, the worker looks for their imports at least once in every
// period poll; zero: there are none.
func New(imports Imports, log *slog.Logger, now func() time.Time, poll time.Duration) *Worker {
	return &Worker{imports: imports, log: log, now: now, poll: poll, wakeups: make(chan struct{}, workers)}
}

// Wake makes the worker look for work now. It never blocks, and may be called before Run.
func (w *Worker) Wake() {
	for range workers {
		select {
		case w.wakeups <- struct{}{}:
		default:
			return
		}
	}
}

// Run runs imports until ctx ends. Groups in progress then have stopTimeout to finish.
func (w *Worker) Run(ctx context.Context) {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	context.AfterFunc(ctx, func() { time.AfterFunc(stopTimeout, stop) })
	var running sync.WaitGroup
	for range workers {
		running.Go(func() { w.loop(ctx, working) })
	}
	running.Wait()
}

func (w *Worker) loop(ctx, working context.Context) {
	for ctx.Err() == nil {
		next, err := w.imports.RunImports(working)
		if err != nil && ctx.Err() == nil {
			w.log.Warn("the imports cannot proceed and are tried again", "error", err, "retry_in", retryDelay.String())
			next = w.now().Add(retryDelay)
		}
		w.wait(ctx, next)
	}
}

// wait waits until next, a wake-up, or the next poll, whichever is first.
func (w *Worker) wait(ctx context.Context, next time.Time) {
	var timer <-chan time.Time
	pause := w.poll
	if !next.IsZero() {
		if until := max(next.Sub(w.now()), 0); pause == 0 || until < pause {
			pause = until
		}
	}
	if pause > 0 || !next.IsZero() {
		t := time.NewTimer(pause)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-w.wakeups:
	case <-timer:
	case <-ctx.Done():
	}
}
