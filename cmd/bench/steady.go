package main

import (
	"context"
	"sync"
	"time"
)

// steadily calls at fixed times, whether or not the calls before have returned, and
// returns the duration of each in milliseconds. The first error stops it.
func steadily(ctx context.Context, call func(context.Context) error, every, length time.Duration) ([]float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var all []float64
	var running sync.WaitGroup
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for n := 0; ctx.Err() == nil && (n < minCalls || time.Duration(n)*every < length); n++ {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			continue
		}
		running.Go(func() {
			begin := time.Now()
			if err := call(ctx); err != nil {
				cancel(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, time.Since(begin).Seconds()*1000)
		})
	}
	running.Wait()
	return all, context.Cause(ctx)
}
