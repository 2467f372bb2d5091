// Package outbox delivers messages: it claims what is due, sends it, and notes
// what came of it. Which messages there are, when they are due, and what an
// outcome means for them is the domain's business.
//
// It promises at least one attempt at each message, with the same id in each. A
// process that dies leaves a lease behind; when that ends, the message is due
// again. The order of messages is not kept. Endpoints do not wait for each
// other: each has a lane with its own claims and its own bounded concurrency.
package outbox

import (
	"context"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"invitebridge/bridge"
)

// Queue is where messages come from; *bridge.Service is one.
type Queue interface {
	ClaimMessages(ctx context.Context, endpoint string, limit int, lease time.Duration) ([]bridge.Claimed, time.Time, error)
	FinishMessage(ctx context.Context, c bridge.Claimed, r bridge.Result) error
	HandBack(ctx context.Context, claimed []bridge.Claimed) error
}

// Endpoint is a place that messages go to.
type Endpoint struct {
	Name        string
	Sender      bridge.Sender
	Concurrency int // attempts at once; at least 1
	// Settings are what the endpoint was made from, as [reflect.DeepEqual]
	// compares. [Worker.Replace] keeps a disabled endpoint disabled while they
	// stay the same.
	Settings any
}

const (
	attemptTimeout = 35 * time.Second // a sender's own bounds are shorter
	lease          = attemptTimeout + 25*time.Second
	stopTimeout    = 10 * time.Second // for attempts in flight, when told to stop
	storePause     = 5 * time.Second  // after the store failed
)

var _ bridge.Outbox = (*Worker)(nil)

// Worker delivers to endpoints. It is safe for concurrent use.
type Worker struct {
	log   *slog.Logger
	mu    sync.RWMutex
	lanes map[string]*lane
	total map[string]*atomic.Int32 // attempts under way to each endpoint there ever was
	start func(*lane)              // nil: Run has not begun, or has ended
}

// New makes a Worker. It starts nothing.
func New(endpoints []Endpoint, log *slog.Logger) *Worker {
	w := &Worker{log: log, total: make(map[string]*atomic.Int32)}
	w.lanes = w.lanesTo(endpoints)
	return w
}

func (w *Worker) lanesTo(endpoints []Endpoint) map[string]*lane {
	lanes := make(map[string]*lane)
	for _, e := range endpoints {
		lanes[e.Name] = w.laneTo(e)
		former := w.lanes[e.Name]
		if former != nil && reflect.DeepEqual(former.Settings, e.Settings) {
			lanes[e.Name].disabled.Store(former.disabled.Load())
		}
	}
	return lanes
}

func (w *Worker) laneTo(e Endpoint) *lane {
	if w.total[e.Name] == nil {
		w.total[e.Name] = new(atomic.Int32)
	}
	return &lane{
		Endpoint: e, log: w.log.With("endpoint", e.Name), woken: make(chan struct{}, 1), retire: func() {},
		total: w.total[e.Name], again: func() { w.Wake(e.Name) },
	}
}

// Wake has the worker look at an endpoint now. It never blocks, may be called
// before Run, and does nothing for an endpoint that is not the worker's.
func (w *Worker) Wake(endpoint string) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if l, ok := w.lanes[endpoint]; ok {
		l.wake()
	}
}

// Replace has the worker deliver to these endpoints from now on, and to none
// other. What is under way to the former ones goes on to its end. One that was
// disabled stays so while its Settings are the same.
func (w *Worker) Replace(endpoints []Endpoint) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.lanes {
		l.retire()
	}
	w.lanes = w.lanesTo(endpoints)
	if w.start == nil {
		return
	}
	for _, l := range w.lanes {
		w.start(l)
	}
}

// Endpoints implements [bridge.Outbox].
func (w *Worker) Endpoints() []bridge.Endpoint {
	w.mu.RLock()
	defer w.mu.RUnlock()
	endpoints := make([]bridge.Endpoint, 0, len(w.lanes))
	for _, name := range slices.Sorted(maps.Keys(w.lanes)) {
		e := bridge.Endpoint{ID: name, State: bridge.EndpointEnabled}
		if since := w.lanes[name].disabled.Load(); since != nil {
			e.State, e.DisabledAt = bridge.EndpointDisabled, *since
		}
		endpoints = append(endpoints, e)
	}
	return endpoints
}

// Enable implements [bridge.Outbox]. An attempt that is still under way ends as
// it began; its 410 does not disable the endpoint again.
func (w *Worker) Enable(endpoint string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	former, ok := w.lanes[endpoint]
	if !ok || former.disabled.Load() == nil {
		return ok
	}
	former.retire()
	l := w.laneTo(former.Endpoint)
	w.lanes[endpoint] = l
	l.log.Info("endpoint enabled")
	if w.start != nil {
		w.start(l)
	}
	return true
}

// Run delivers until ctx ends. Then it claims nothing more, gives the attempts
// in flight ten seconds to end, and returns when all of them have. It may be
// called once.
func (w *Worker) Run(ctx context.Context, queue Queue) {
	var running sync.WaitGroup
	w.mu.Lock()
	w.start = func(l *lane) {
		var claiming context.Context
		claiming, l.retire = context.WithCancel(ctx)
		running.Go(func() { l.run(ctx, claiming, queue) })
	}
	for _, l := range w.lanes {
		w.start(l)
	}
	w.mu.Unlock()
	<-ctx.Done()
	w.mu.Lock()
	w.start = nil
	w.mu.Unlock()
	running.Wait()
}

// Drain delivers what is due now, at all endpoints, and returns when nothing is
// due any more: for tests and tools that have a clock of their own.
func (w *Worker) Drain(ctx context.Context, queue Queue) error {
	w.mu.RLock()
	lanes := w.lanes
	w.mu.RUnlock()
	errs := make(chan error, len(lanes))
	for _, l := range lanes {
		go func() { errs <- l.drain(ctx, queue) }()
	}
	var first error
	for range lanes {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}
