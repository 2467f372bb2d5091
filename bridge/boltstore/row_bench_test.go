package boltstore

import (
	"path/filepath"
	"testing"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// BenchmarkRows measures the CPU and allocations of single operations, within
// transactions of a thousand of them that are not synced.
func BenchmarkRows(b *testing.B) {
	const rows = 1000
	changed := func(inv bridge.Invitation, i int) bridge.Invitation {
		inv.Claim = &bridge.Claim{ID: inv.ID, Until: inv.CreatedAt.Add(time.Duration(i) * time.Second)}
		return inv
	}
	for _, c := range []struct {
		name string
		run  func(tx bridge.Tx, i, n int) error
	}{
		{"PutInvitation/new", func(tx bridge.Tx, _, n int) error {
			inv, _ := sample(n)
			inv.ID[15]++
			inv.Email += "x"
			inv.IdentityID[3]++
			return tx.PutInvitation(inv)
		}},
		{"PutInvitation/changed", func(tx bridge.Tx, i, n int) error {
			inv, _ := sample(i)
			return tx.PutInvitation(changed(inv, n))
		}},
		{"PutInvitation/read-and-changed", func(tx bridge.Tx, i, n int) error {
			inv, _ := sample(i)
			inv, err := tx.Invitation(inv.ID)
			if err != nil {
				return err
			}
			return tx.PutInvitation(changed(inv, n))
		}},
		{"PutToken", func(tx bridge.Tx, i, n int) error {
			inv, d := sample(i)
			d[7] ^= byte(n)
			return tx.PutToken(d, bridge.TokenRecord{InvitationID: inv.ID, Channel: bridge.ChannelAPI, Epoch: n})
		}},
		{"InvitationByToken", func(tx bridge.Tx, i, _ int) error {
			_, d := sample(i)
			_, _, err := tx.InvitationByToken(d)
			return err
		}},
		{"PutMessage/new", func(tx bridge.Tx, i, _ int) error {
			m := sampleMessage(i)
			m.ID = uuid.New()
			return tx.PutMessage(m)
		}},
		{"PutMessage/read-and-changed", func(tx bridge.Tx, i, n int) error {
			m, err := tx.Message(sampleMessage(i).ID)
			if err != nil {
				return err
			}
			return tx.PutMessage(m.BeginAttempt(m.InvitationID, m.CreatedAt.Add(time.Duration(n)*time.Second), time.Minute))
		}},
		{"Message", func(tx bridge.Tx, i, _ int) error {
			_, err := tx.Message(sampleMessage(i).ID)
			return err
		}},
		{"sample", func(bridge.Tx, int, int) error { // the benchmark's own cost
			sampleMessage(0)
			return nil
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "bridge.db"))
			defer func() { _ = s.Close() }()
			s.db.NoSync = true
			update(b, s, func(tx bridge.Tx) error {
				for i := range rows {
					if err := invite(tx, i); err != nil {
						return err
					}
					if err := tx.PutMessage(sampleMessage(i)); err != nil {
						return err
					}
				}
				return nil
			})
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += rows {
				update(b, s, func(tx bridge.Tx) error {
					for i := range min(rows, b.N-n) {
						if err := c.run(tx, i, n+i+rows); err != nil {
							return err
						}
					}
					return nil
				})
			}
		})
	}
}

// sampleMessage returns a message about the n-th sample, in the middle of its
// schedule.
func sampleMessage(n int) bridge.Message {
	inv, _ := sample(n)
	at := inv.CreatedAt
	return bridge.Message{
		ID: inv.ID, Endpoint: "crm", InvitationID: inv.ID, State: bridge.MessageQueued,
		Payload:   bridge.Payload{Type: bridge.EventTokenCreated, Timestamp: at, Data: bridge.PayloadData{Invitation: inv.View(), IdentityID: inv.IdentityID}},
		CreatedAt: at, UpdatedAt: at.Add(time.Minute), DueAt: at.Add(time.Hour), Since: at, Tries: 1,
		Attempts: []bridge.Attempt{{At: at, Took: 1500 * time.Millisecond, Outcome: bridge.AttemptRetry, Status: 503, Detail: "the receiver is unavailable"}},
	}
}
