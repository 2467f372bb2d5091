// Package outbox delivers messages: it claims due messages, sends them and records
// the results. The domain decides which messages exist, when they are due, and
// what a result means for them.
//
// Delivery is at least once, with the same message id in each attempt. If the
// process dies, its claims expire with their lease and the messages are due again.
// While an endpoint has nothing to do, a new message is claimed by the commit that
// writes it, see [bridge.Outbox].
// Messages are not ordered. Endpoints do not wait for each other: each has a
// worker with its own claims and its own bounded concurrency.
package outbox

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"invitebridge/bridge"
)

// Queue is the source of messages; *bridge.Service implements it.
type Queue interface {
	ClaimMessages(ctx context.Context, endpoint string, limit int, lease time.Duration) ([]bridge.ClaimedMessage, time.Time, error)
	FinishMessages(ctx context.Context, finished ...bridge.FinishedMessage) error
	Release(ctx context.Context, claimed []bridge.ClaimedMessage) error
}

// Endpoint is a destination of messages.
type Endpoint struct {
	Name        string
	Sender      bridge.Sender
	Concurrency int // maximum of concurrent attempts; at least 1
	// Settings is the configuration of the endpoint. [Worker.SetEndpoints] keeps a
	// disabled endpoint disabled while Settings is unchanged, as [reflect.DeepEqual]
	// reports.
	Settings any
	// Digest identifies Settings among the processes that share a store.
	Digest [sha256.Size]byte
}

// Shared is what the processes that share a store have in common. It is safe for
// concurrent use.
type Shared interface {
	// Now is the clock of ClaimMessages.
	Now() time.Time
	// DisabledEndpoints returns the endpoints that any process has found disabled.
	DisabledEndpoints(ctx context.Context) ([]bridge.DisabledEndpoint, error)
	// DisableEndpoint disables an endpoint for all, unless it was enabled after e.At.
	DisableEndpoint(ctx context.Context, e bridge.DisabledEndpoint) error
	// EnableEndpoint enables an endpoint for all.
	EnableEndpoint(ctx context.Context, id string) error
}

const (
	attemptTimeout  = 35 * time.Second // senders' own timeouts are shorter
	lease           = attemptTimeout + 25*time.Second
	stopTimeout     = 10 * time.Second // for attempts in flight, once Run must return
	storeRetryDelay = 5 * time.Second  // after an error of the store
)

var _ bridge.Outbox = (*Worker)(nil)

// Worker delivers to endpoints. It is safe for concurrent use.
type Worker struct {
	log           *slog.Logger
	now           func() time.Time
	poll          time.Duration // 0: only this process queues messages
	shared        Shared        // nil: this process has the store alone
	mu            sync.RWMutex
	workers       map[string]*endpointWorker
	inFlightTotal map[string]*atomic.Int32 // attempts in flight by endpoint, removed endpoints included
	start         func(*endpointWorker)    // nil: Run has not begun or has ended
}

// New returns a Worker. It starts no goroutine.
func New(endpoints []Endpoint, log *slog.Logger) *Worker {
	w := &Worker{log: log, now: time.Now, inFlightTotal: make(map[string]*atomic.Int32)}
	w.workers = w.newEndpointWorkers(endpoints)
	return w
}

func (w *Worker) newEndpointWorkers(endpoints []Endpoint) map[string]*endpointWorker {
	workers := make(map[string]*endpointWorker)
	for _, e := range endpoints {
		workers[e.Name] = w.endpointWorkerFor(e)
		former := w.workers[e.Name]
		if former != nil && reflect.DeepEqual(former.Settings, e.Settings) {
			workers[e.Name].disabled.Store(former.disabled.Load())
		}
	}
	return workers
}

func (w *Worker) endpointWorkerFor(e Endpoint) *endpointWorker {
	if w.inFlightTotal[e.Name] == nil {
		w.inFlightTotal[e.Name] = new(atomic.Int32)
	}
	return &endpointWorker{
		Endpoint: e, log: w.log.With("endpoint", e.Name), wakeups: make(chan struct{}, 1), stopClaiming: func() {},
		slots: newSlots(e.Concurrency, w.inFlightTotal[e.Name]), wakeCurrent: func() { w.Wake(e.Name) },
		untilDue: w.untilDue, announce: w.disableForAll,
	}
}

// Share makes the worker look for what other processes have done, at least once in
// every period poll: messages that they queued, and endpoints that they disabled or
// enabled. Call it before Run.
func (w *Worker) Share(shared Shared, poll time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shared, w.now, w.poll = shared, shared.Now, poll
}

// Wake makes the worker claim messages of an endpoint now. It never blocks, may be
// called before Run, and does nothing for an unknown endpoint.
func (w *Worker) Wake(endpoint string) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if ew, ok := w.workers[endpoint]; ok {
		ew.wake()
	}
}

// SetEndpoints replaces all endpoints. Attempts in flight to the old ones run to
// completion. An endpoint that was disabled stays disabled if its Settings are
// unchanged.
func (w *Worker) SetEndpoints(endpoints []Endpoint) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ew := range w.workers {
		ew.stopClaiming()
	}
	w.workers = w.newEndpointWorkers(endpoints)
	if w.start == nil {
		return
	}
	for _, ew := range w.workers {
		w.start(ew)
	}
}

// untilDue returns the time to wait for a message that is due at next, as returned by
// ClaimMessages; negative: until a wake-up.
func (w *Worker) untilDue(next time.Time) time.Duration {
	w.mu.RLock()
	now, poll := w.now, w.poll
	w.mu.RUnlock()
	wait := time.Duration(-1)
	if !next.IsZero() {
		wait = max(next.Sub(now()), 0)
	}
	if poll > 0 && (wait < 0 || wait > poll) {
		wait = poll
	}
	return wait
}

// Endpoints implements [bridge.Outbox].
func (w *Worker) Endpoints() []bridge.Endpoint {
	w.mu.RLock()
	defer w.mu.RUnlock()
	endpoints := make([]bridge.Endpoint, 0, len(w.workers))
	for _, name := range slices.Sorted(maps.Keys(w.workers)) {
		e := bridge.Endpoint{ID: name, State: bridge.EndpointEnabled}
		if since := w.workers[name].disabled.Load(); since != nil {
			e.State, e.DisabledAt = bridge.EndpointDisabled, *since
		}
		endpoints = append(endpoints, e)
	}
	return endpoints
}

// Enable implements [bridge.Outbox]. A 410 of an attempt that is in flight during
// the call does not disable the endpoint again.
func (w *Worker) Enable(ctx context.Context, endpoint string) (bool, error) {
	w.mu.RLock()
	_, found := w.workers[endpoint]
	shared := w.shared
	w.mu.RUnlock()
	if !found {
		return false, nil
	}
	if shared != nil {
		if err := shared.EnableEndpoint(ctx, endpoint); err != nil {
			return true, err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.enable(endpoint), nil
}

// enable reports whether there is such an endpoint. The caller holds w.mu.
func (w *Worker) enable(endpoint string) bool {
	former, ok := w.workers[endpoint]
	if !ok || former.disabled.Load() == nil {
		return ok
	}
	former.stopClaiming()
	ew := w.endpointWorkerFor(former.Endpoint)
	w.workers[endpoint] = ew
	ew.log.Info("endpoint enabled")
	if w.start != nil {
		w.start(ew)
	}
	return true
}

// Reserve implements [bridge.Outbox].
func (w *Worker) Reserve(endpoint string) (bridge.Slot, time.Duration) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	ew, ok := w.workers[endpoint]
	if !ok || ew.disabled.Load() != nil || !ew.slots.reserve() {
		return nil, 0
	}
	return slot{ew}, lease
}

// Run delivers messages until ctx ends. It then stops claiming, cancels attempts
// that are still in flight after ten seconds, and returns when all have ended. It
// must be called at most once.
func (w *Worker) Run(ctx context.Context, queue Queue) {
	var running sync.WaitGroup
	recorder := newRecorder(queue, w.log, w.Wake)
	w.mu.Lock()
	w.start = func(ew *endpointWorker) {
		var claiming context.Context
		claiming, ew.stopClaiming = context.WithCancel(ctx)
		running.Go(func() { ew.run(ctx, claiming, queue, recorder) })
	}
	for _, ew := range w.workers {
		w.start(ew)
	}
	shared := w.shared
	w.mu.Unlock()
	if shared != nil {
		running.Go(func() { w.follow(ctx, shared) })
	}
	<-ctx.Done()
	w.mu.Lock()
	w.start = nil
	w.mu.Unlock()
	running.Wait()
	recorder.close()
}

// Drain delivers all due messages of all endpoints and returns when none is left.
// It is for tests and tools that have a clock of their own.
func (w *Worker) Drain(ctx context.Context, queue Queue) error {
	w.mu.RLock()
	workers := w.workers
	w.mu.RUnlock()
	errs := make(chan error, len(workers))
	recorder := newRecorder(queue, w.log, w.Wake)
	defer recorder.close()
	for _, ew := range workers {
		go func() { errs <- ew.drain(ctx, queue, recorder) }()
	}
	var first error
	for range workers {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}
