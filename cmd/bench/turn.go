package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// way is one way of doing the work that a section compares.
type way struct {
	name string

	// call does the work once. Many clients call it at the same time.
	//
	// Errors: errOutOfStock if what stock prepared is used up.
	call func(context.Context) error

	// every makes one client call at fixed times, instead of many as soon as they can;
	// zero: it does not.
	every time.Duration

	// rows does the work n times in one operation, instead of call; nil: call is used.
	rows func(ctx context.Context, n int, t *turn) error

	// stock prepares n calls before a turn; nil: call needs no preparation.
	stock func(ctx context.Context, n int) error

	// begin and end enclose a turn, outside of the measurement; nil: nothing.
	begin, end func() error

	// settle waits for the effects of n calls, as part of the turn; nil: there are
	// none after the response.
	settle func(ctx context.Context, n int) error

	receives bool // the receiver takes part

	bridge *bridgeProcess // nil: none takes part
	kratos *kratosServer
}

var errOutOfStock = errors.New("no prepared call is left")

// turn is the result of calling one way for a while.
type turn struct {
	ops       int
	took      time.Duration
	uploaded  time.Duration // part of took, before the first row was begun
	latencies []float64     // in milliseconds
	cpu       map[string]time.Duration
	others    float64 // share of the processors that other processes used
	commits   float64 // of the bridge
	requests  float64 // to Kratos
}

func (t turn) rate() float64 { return float64(t.ops) / t.took.Seconds() }

// rateUploaded is the rate after the upload.
func (t turn) rateUploaded() float64 { return float64(t.ops) / (t.took - t.uploaded).Seconds() }

// perOp returns the CPU time per call in milliseconds of the given processes.
func (t turn) perOp(names ...string) (sum float64) {
	for _, name := range names {
		sum += t.cpu[name].Seconds() * 1000
	}
	return sum / float64(t.ops)
}

// The processes whose CPU time is reported.
const (
	cpuBridge   = "bridge"
	cpuKratos   = "Kratos"
	cpuDatabase = "database"
	cpuReceiver = "receiver" // of email or webhooks
	cpuClient   = "client"
)

// reading is the state of all counters at one time.
type reading struct {
	at                time.Time
	cpu               map[string]time.Duration
	others            time.Duration
	commits, requests float64
}

func (s *stage) read(ctx context.Context, w *way) (r reading, err error) {
	r.cpu = make(map[string]time.Duration)
	if w.bridge != nil {
		metrics, err := w.bridge.metrics(ctx)
		if err != nil {
			return r, err
		}
		r.commits = scrape(metrics, "invitebridge_store_commit_duration_seconds_count")
	}
	if w.kratos != nil {
		if r.requests, err = w.kratos.requests(ctx); err != nil {
			return r, err
		}
	}
	all, err := processes()
	if err != nil {
		return r, err
	}
	if w.bridge != nil {
		r.cpu[cpuBridge] = tree(all, w.bridge.pid())
	}
	if w.kratos != nil {
		r.cpu[cpuKratos] = tree(all, w.kratos.pid())
	}
	if s.receiver != nil {
		r.cpu[cpuReceiver] = tree(all, s.receiver.pid())
	}
	r.cpu[cpuClient] = all[os.Getpid()].own
	r.cpu[cpuDatabase] = s.bench.database.cpu(all)
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return r, err
	}
	busy, err := parseBusy(string(stat))
	r.others = busy - tree(all, os.Getpid()) - s.bench.database.foreign(all)
	r.at = time.Now()
	return r, err
}

// take lets a number of clients call one way for a while, at about this rate.
func (s *stage) take(ctx context.Context, w *way, clients int, length time.Duration, rate float64) (t turn, err error) {
	if w.begin != nil {
		if err := w.begin(); err != nil {
			return t, err
		}
	}
	if w.end != nil {
		defer func() { err = errors.Join(err, w.end()) }()
	}
	return s.measure(ctx, w, func(t *turn) (err error) {
		switch {
		case w.rows != nil:
			t.ops = max(int(rate*length.Seconds())/batchSize, 1) * batchSize
			err = w.rows(ctx, t.ops, t)
		case w.every > 0:
			t.latencies, err = steadily(ctx, w.call, w.every, length)
			t.ops = len(t.latencies)
		default:
			t.latencies, err = crowd(ctx, w.call, clients, length)
			t.ops = len(t.latencies)
		}
		if err == nil && t.ops == 0 {
			err = errOutOfStock
		}
		if err == nil && w.settle != nil {
			err = w.settle(ctx, t.ops)
		}
		return err
	})
}

// measure measures what work does, which counts its operations.
func (s *stage) measure(ctx context.Context, w *way, work func(*turn) error) (t turn, err error) {
	before, err := s.read(ctx, w)
	if err != nil {
		return t, err
	}
	if err := work(&t); err != nil {
		return t, fmt.Errorf("%s: %w", w.name, err)
	}
	t.took = time.Since(before.at)
	after, err := s.read(ctx, w)
	if err != nil {
		return t, err
	}
	t.cpu = make(map[string]time.Duration)
	for name := range after.cpu {
		t.cpu[name] = after.cpu[name] - before.cpu[name]
	}
	t.others = max(0, (after.others-before.others).Seconds()/(after.at.Sub(before.at).Seconds()*float64(runtime.NumCPU())))
	t.commits, t.requests = after.commits-before.commits, after.requests-before.requests
	return t, nil
}

// minCalls is the least number of calls of each client in a turn.
const minCalls = 2

// crowd makes a number of clients call for a while, and returns the duration of each
// call in milliseconds. The first error stops all of them.
func crowd(ctx context.Context, call func(context.Context) error, clients int, length time.Duration) ([]float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var all []float64
	var empty atomic.Bool
	deadline := time.Now().Add(length)
	var running sync.WaitGroup
	for range clients {
		running.Go(func() {
			var mine []float64
			for ctx.Err() == nil && !empty.Load() && (len(mine) < minCalls || time.Now().Before(deadline)) {
				begin := time.Now()
				err := call(ctx)
				if errors.Is(err, errOutOfStock) {
					empty.Store(true)
				} else if err != nil {
					cancel(err)
				} else {
					mine = append(mine, time.Since(begin).Seconds()*1000)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, mine...)
		})
	}
	running.Wait()
	return all, context.Cause(ctx)
}

// repeat makes n calls, by some clients at once. The first error stops all of them.
func repeat(ctx context.Context, call func(context.Context) error, n int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for range n {
		group.Go(func() error { return call(ctx) })
	}
	return group.Wait()
}
