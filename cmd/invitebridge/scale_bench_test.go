package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/boltstore"
	"invitebridge/kratos/kratostest"
)

// BenchmarkScale compares a bridge that holds a million pending invitations
// with an empty one, at the public door and over one real Kratos. The two take
// turns. The ratio is of the times; 1.0 would mean that size costs nothing.
func BenchmarkScale(b *testing.B) {
	const pending = 1_000_000
	kratos, err := kratostest.Start(b.Context(), kratostest.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = kratos.Stop() })
	file := filepath.Join(b.TempDir(), "full.db")
	fill(b, file, pending)
	small := meter{b: b, kratos: kratos, bridge: startBridge(b, kratos)}
	full := meter{b: b, kratos: kratos, bridge: startBridge(b, kratos, "dsn: bolt://"+file)}
	full.serial.Store(1 << 40) // other addresses than the small one's
	for _, c := range []struct {
		name string
		n    int
		work func(m *meter) work
	}{
		{"invite", 300, func(m *meter) work { return m.invite }},
		{"look", 2000, func(m *meter) work { return m.look(token(m.bridge.invite(object{"email": m.email()}))) }},
		{"page", 300, func(m *meter) work { return m.page }},
	} {
		b.Run(c.name, func(b *testing.B) {
			lookSmall, lookFull := c.work(&small), c.work(&full)
			for b.Loop() {
				var took [2]time.Duration
				for range rounds {
					for kind, prepare := range []work{lookSmall, lookFull} {
						calls := make(chan func() error, c.n)
						for range c.n {
							calls <- prepare()
						}
						close(calls)
						took[kind] += small.drain(calls, 1)
					}
				}
				each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(rounds*c.n) }
				b.ReportMetric(each(took[0]), "empty-µs")
				b.ReportMetric(each(took[1]), "full-µs")
				b.ReportMetric(each(took[1])/each(took[0]), "ratio")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func (m *meter) look(token string) work {
	return func() func() error {
		return func() error {
			_, err := m.expect(http.StatusOK, http.MethodGet, m.bridge.public+base+"/"+token, nil)
			return err
		}
	}
}

func (m *meter) page() func() error {
	return func() error {
		_, err := m.expect(http.StatusOK, http.MethodGet, m.bridge.admin+base+"/?state=pending&page_size=100", nil, "Authorization", "Bearer "+key)
		return err
	}
}

// fill makes a store with n pending invitations, as if they had come in one
// after the other.
func fill(b *testing.B, file string, n int) {
	b.Helper()
	store, err := boltstore.Open(file)
	if err != nil {
		b.Fatal(err)
	}
	const step = 100
	now := time.Now().UTC().Truncate(time.Microsecond)
	for first := 0; first < n && err == nil; first += step {
		err = store.Update(context.Background(), func(tx bridge.Tx) error {
			for i := first; i < first+step; i++ {
				inv := bridge.Invitation{
					ID: uuid.Must(uuid.NewV7()), State: bridge.StatePending, Email: fmt.Sprintf("p%d@example.com", i), IdentityID: uuid.New(),
					SchemaID: "default", InviterID: fmt.Sprint("inviter", i%1000), Lifespan: 24 * time.Hour, Delivery: bridge.DeliveryOff,
					CreatedAt: now, UpdatedAt: now, ExpiresAt: now.Add(24 * time.Hour),
				}
				if err := tx.PutInvitation(inv); err != nil {
					return err
				}
				record := bridge.TokenRecord{InvitationID: inv.ID, Channel: bridge.ChannelAPI}
				if err := tx.PutToken(bridge.MintToken().Digest(), record); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err == nil {
		err = store.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
}
