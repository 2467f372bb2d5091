package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	manyClients  = 1000
	manyMessages = 100_000
	manyHooks    = 4 // so that fewer invitations make as many messages
)

// measureMemory measures the memory and the goroutines of a bridge before, during and
// after a crowd of clients, and a long queue of webhooks.
func measureMemory(ctx context.Context, s *stage) error {
	d, err := s.startSender(ctx, manyHooks)
	if err != nil {
		return err
	}
	if err := repeat(ctx, d.invite, manyClients); err != nil { // to warm up
		return err
	}
	if err := s.receiver.await(ctx, manyClients*manyHooks); err != nil {
		return err
	}
	for _, phase := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"nobody calls", func(ctx context.Context) error { return sleep(ctx, idleFor) }},
		{fmt.Sprintf("%d clients invite at once", manyClients), func(ctx context.Context) error {
			_, err := crowd(ctx, d.invite, manyClients, 3*s.turn)
			httpClient.CloseIdleConnections()
			return err
		}},
		{"nobody calls, after that", func(ctx context.Context) error { return sleep(ctx, 2*idleFor) }},
		{fmt.Sprintf("%d messages are queued", manyMessages), func(ctx context.Context) error { return d.fill(ctx, manyMessages) }},
		{"they are sent", func(ctx context.Context) error { return d.drain(ctx, manyMessages) }},
		{"nobody calls, after that", func(ctx context.Context) error { return sleep(ctx, 2*idleFor) }},
	} {
		s.bench.progress("memory: %s", phase.name)
		begin := time.Now()
		p, err := d.bridge.watch(ctx, phase.run)
		if err != nil {
			return err
		}
		s.bench.report.memory = append(s.bench.report.memory, row(phase.name, fmt.Sprintf("%.0f s", time.Since(begin).Seconds()),
			megabytes(p.peakMemory), megabytes(p.lastMemory), fmt.Sprint(p.peakGoroutines), fmt.Sprint(p.lastGoroutines)))
	}
	return nil
}

// peak is the highest and the last use of memory, in KiB, and of goroutines.
type peak struct{ peakMemory, lastMemory, peakGoroutines, lastGoroutines int }

// watch samples the process while run runs, and once after it.
func (b *bridgeProcess) watch(ctx context.Context, run func(context.Context) error) (p peak, err error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	var running sync.WaitGroup
	running.Go(func() { done <- run(ctx) })
	defer running.Wait()
	defer cancel()
	every := time.NewTicker(250 * time.Millisecond)
	defer every.Stop()
	for ended := false; !ended; {
		select {
		case err := <-done:
			if err != nil {
				return p, err
			}
			ended = true
		case <-every.C:
		}
		if p.lastMemory, err = anonymousMemory(b.pid()); err != nil {
			return p, err
		}
		metrics, err := b.metrics(ctx)
		if err != nil {
			return p, err
		}
		p.lastGoroutines = int(scrape(metrics, "go_goroutines"))
		p.peakMemory, p.peakGoroutines = max(p.peakMemory, p.lastMemory), max(p.peakGoroutines, p.lastGoroutines)
	}
	return p, nil
}
