package boltstore

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// updater commits one invitation and its token in some way.
type updater struct {
	name   string
	invite func(s *Store, n int) error
}

// bare does the same as an Update, with bbolt alone.
func bare(n int) func(*bbolt.Tx) error {
	return func(btx *bbolt.Tx) error { return invite(&tx{bolt: btx, writable: true}, n) }
}

var updaters = []updater{
	{"bbolt-update", func(s *Store, n int) error { return s.db.Update(bare(n)) }},
	{"bbolt-batch", func(s *Store, n int) error { return s.db.Batch(bare(n)) }},
	{"store", func(s *Store, n int) error { return s.Update(context.Background(), inviting(n)) }},
}

// BenchmarkUpdate compares Update with bbolt's own Update, which syncs for each
// caller, and its Batch, which delays a single caller. They alternate by series,
// so that other load on the machine affects all alike. Figures are per
// invitation: the median time of all clients divided by their number.
func BenchmarkUpdate(b *testing.B) {
	for _, c := range []struct {
		name            string
		clients, series int
	}{{"lone", 1, 100}, {"64-waiting", 64, 10}} {
		b.Run(c.name, func(b *testing.B) {
			stores, next := make([]*Store, len(updaters)), make([]int, len(updaters))
			for i := range stores {
				stores[i] = open(b, filepath.Join(b.TempDir(), "bridge.db"))
				defer func() { _ = stores[i].Close() }()
			}
			took := make([][]time.Duration, len(updaters))
			for b.Loop() {
				for round := range 5 * len(updaters) {
					i := round % len(updaters)
					for range c.series {
						took[i] = append(took[i], timed(b, func() error {
							return atOnce(c.clients, func(client int) error { return updaters[i].invite(stores[i], next[i]+client) })
						}))
						next[i] += c.clients
					}
				}
			}
			for i, u := range updaters {
				b.ReportMetric(median(took[i])/float64(c.clients), u.name+"-µs")
			}
			b.ReportMetric(median(took[2])/median(took[0]), "store/bbolt-update")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// median returns microseconds.
func median(took []time.Duration) float64 {
	slices.Sort(took)
	return float64(took[len(took)/2].Nanoseconds()) / 1000
}

// atOnce runs fn for several clients at the same time.
func atOnce(clients int, fn func(client int) error) error {
	if clients == 1 {
		return fn(0)
	}
	errs := make([]error, clients)
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() { errs[client] = fn(client) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
