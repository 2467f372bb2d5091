package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
)

const clockTolerance = 10 * time.Second

// clocks is histories with replicas whose clocks are wrong, one by 30 seconds each way.
func clocks(ctx context.Context, o options) error {
	o.clocks = []time.Duration{-30 * time.Second, 0, 30 * time.Second}
	return histories(ctx, o)
}

// checkTimes checks that all replicas have the same clock: each invitation was given the
// same time to live.
func (h *history) checkTimes() error {
	slices.SortFunc(h.ends, time.Time.Compare)
	if n := len(h.ends); n > 0 && h.ends[n-1].Sub(h.ends[0]) > time.Since(h.begin)+clockTolerance {
		return fmt.Errorf("the invitations of one moment end from %s to %s", h.ends[0], h.ends[n-1])
	}
	return nil
}

// noteClock takes when a blocking hook was called, by the caller's clock.
// The caller must hold the lock.
func (w *environment) noteClock(timestamp string) {
	if at, err := strconv.ParseInt(timestamp, 10, 64); err == nil {
		ahead := time.Until(time.Unix(at, 0))
		w.ahead = [2]time.Duration{min(w.ahead[0], ahead), max(w.ahead[1], ahead)}
	}
}

// checkClocks checks that the webhooks came from clocks that were as wrong as these.
func (w *environment) checkClocks(clocks []time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ahead := range clocks {
		if w.ahead[0] > ahead+clockTolerance || w.ahead[1] < ahead-clockTolerance {
			return fmt.Errorf("the clocks of the replicas were wrong by %v, not by %v", w.ahead, clocks)
		}
	}
	return nil
}
