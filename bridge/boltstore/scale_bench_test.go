package boltstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/storetest"

	"github.com/google/uuid"
)

const million = 1_000_000

// BenchmarkScale compares a store of a million pending invitations with one that
// was empty when the benchmark began. The two alternate, so that other load on
// the machine affects both. One iteration is a whole series; the figures are
// medians in microseconds, since disk latencies vary widely.
func BenchmarkScale(b *testing.B) {
	dir := b.TempDir()
	small, large := open(b, filepath.Join(dir, "small.db")), open(b, filepath.Join(dir, "large.db"))
	defer func() { _ = small.Close() }()
	defer func() { _ = large.Close() }()
	older, _ := sample(0)
	filled, err := storetest.Fill(context.Background(), large, million, 1, older.CreatedAt)
	if err != nil {
		b.Fatal(err)
	}
	next := 0
	inviteBoth := func() (of [2]time.Duration) {
		for i, s := range []*Store{small, large} {
			of[i] = timed(b, func() error { return s.Update(context.Background(), inviting(next)) })
		}
		next++
		return of
	}
	for range 200 { // fills a page of the lists and warms up the large store
		inviteBoth()
	}

	b.Run("invite", func(b *testing.B) { sideBySide(b, 1000, inviteBoth) })
	b.Run("look-up-by-token", func(b *testing.B) {
		sideBySide(b, 100_000, func() [2]time.Duration {
			_, recent := sample(next - 1 - rand.IntN(200))
			return [2]time.Duration{lookUp(b, small, recent), lookUp(b, large, filled[rand.IntN(len(filled))].Token.Digest())}
		})
	})
	for name, q := range map[string]bridge.InvitationQuery{
		"all":                {},
		"pending":            {State: bridge.StatePending},
		"pending-further-on": {State: bridge.StatePending},
	} {
		b.Run("page-of-100/"+name, func(b *testing.B) {
			q.Limit = 100
			sideBySide(b, 1000, func() (of [2]time.Duration) {
				for i, s := range []*Store{small, large} {
					if name == "pending-further-on" {
						recent, _ := sample(next - 1 - rand.IntN(100))
						q.Before = [2]uuid.UUID{recent.ID, filled[1+rand.IntN(len(filled)-1)].Invitation.ID}[i]
					}
					of[i] = page(b, s, q)
				}
				return of
			})
		})
	}
}

// sideBySide runs a series of the same calls in the small and in the large store,
// and reports the medians and their ratio.
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

func lookUp(tb testing.TB, s *Store, d bridge.Digest) time.Duration {
	return timed(tb, func() error {
		return s.View(context.Background(), func(tx bridge.Tx) error {
			_, _, err := tx.InvitationByToken(d)
			return err
		})
	})
}

func page(tb testing.TB, s *Store, q bridge.InvitationQuery) time.Duration {
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
