package boltstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"invitebridge/bridge"
)

const million = 1_000_000

// BenchmarkScale compares a store of a million pending invitations with one
// that was empty when the benchmark began. The two take turns, so that what
// else the machine does troubles both. One iteration is a whole series; the
// figures are medians in microseconds, since a disk has moods.
func BenchmarkScale(b *testing.B) {
	dir := b.TempDir()
	small, large := open(b, filepath.Join(dir, "small.db")), open(b, filepath.Join(dir, "large.db"))
	defer func() { _ = small.Close() }()
	defer func() { _ = large.Close() }()
	load(b, large, million)
	next := million // the first that neither has
	inviteBoth := func() (of [2]time.Duration) {
		for i, s := range []*Store{small, large} {
			of[i] = timed(b, func() error { return s.Update(context.Background(), inviting(next)) })
		}
		next++
		return of
	}
	for range 200 { // a full page for the lists, and the large store's first steps
		inviteBoth()
	}

	b.Run("invite", func(b *testing.B) { sideBySide(b, 1000, inviteBoth) })
	b.Run("look-up-by-token", func(b *testing.B) {
		sideBySide(b, 100_000, func() [2]time.Duration {
			return [2]time.Duration{lookUp(b, small, next-1-rand.IntN(200)), lookUp(b, large, rand.IntN(next))}
		})
	})
	for name, q := range map[string]bridge.Query{
		"all":                {},
		"pending":            {State: bridge.StatePending},
		"pending-further-on": {State: bridge.StatePending},
	} {
		b.Run("page-of-100/"+name, func(b *testing.B) {
			q.Limit = 100
			sideBySide(b, 1000, func() (of [2]time.Duration) {
				for i, s := range []*Store{small, large} {
					if name == "pending-further-on" {
						inv, _ := sample([...]int{next - 1 - rand.IntN(100), 100 + rand.IntN(million)}[i])
						q.Before = inv.ID
					}
					of[i] = page(b, s, q)
				}
				return of
			})
		})
	}
}

// sideBySide runs a series that does the same in the small and in the large
// store, and reports the medians and their ratio.
func sideBySide(b *testing.B, series int, fn func() [2]time.Duration) {
	var took [2][]time.Duration
	for b.Loop() {
		for range series {
			for i, d := range fn() {
				took[i] = append(took[i], d)
			}
		}
	}
	small, large := median(took[0]), median(took[1])
	b.ReportMetric(small, "small-µs")
	b.ReportMetric(large, "large-µs")
	b.ReportMetric(large/small, "ratio")
	b.ReportMetric(0, "ns/op")
}

func timed(tb testing.TB, fn func() error) time.Duration {
	start := time.Now()
	if err := fn(); err != nil {
		tb.Fatal(err)
	}
	return time.Since(start)
}

func lookUp(tb testing.TB, s *Store, n int) time.Duration {
	_, d := sample(n)
	return timed(tb, func() error {
		return s.View(context.Background(), func(tx bridge.Tx) error {
			_, _, err := tx.InvitationByToken(d)
			return err
		})
	})
}

func page(tb testing.TB, s *Store, q bridge.Query) time.Duration {
	return timed(tb, func() error {
		return s.View(context.Background(), func(tx bridge.Tx) error {
			list, err := tx.ListInvitations(q)
			if err == nil && len(list) != q.Limit {
				err = fmt.Errorf("%d rows", len(list))
			}
			return err
		})
	})
}
