package main

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/boltstore"
	"invitebridge/bridge/pgstore"
	"invitebridge/bridge/storetest"
)

// BenchmarkStoreCopy moves 100,000 invitations with a token and a message each.
func BenchmarkStoreCopy(b *testing.B) {
	const n = 100_000
	file := b.TempDir() + "/invites.db"
	s, err := boltstore.Open(file)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := storetest.Fill(b.Context(), s, n, 1, time.Now()); err != nil {
		b.Fatal(err)
	}
	for last, before := (uuid.UUID{0: 0xff}), uuid.Nil; last != before; {
		before = last
		err := s.Update(b.Context(), func(tx bridge.Tx) error {
			list, err := tx.ListInvitations(bridge.InvitationQuery{Before: before, Limit: 2000})
			for _, inv := range list {
				last = inv.ID
				err = errors.Join(err, tx.PutMessage(messageOf(inv)))
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		dsn := newDSN(b)
		if err := pgstore.Migrate(b.Context(), dsn); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := copyStore(b.Context(), file, dsn, stdio{out: b.Output(), err: b.Output()}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if _, err := boltstore.Unseal(file); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(3*n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// messageOf returns the email about an invitation, with one attempt.
func messageOf(inv bridge.Invitation) bridge.Message {
	id := inv.ID
	id[15] ^= 1
	at := inv.CreatedAt
	return bridge.Message{
		ID: id, Endpoint: bridge.EndpointCourier, InvitationID: inv.ID, State: bridge.MessageSent,
		Payload:   bridge.Payload{Type: bridge.EventTokenCreated, Timestamp: at, Data: bridge.PayloadData{Invitation: inv.View(), IdentityID: inv.IdentityID}},
		CreatedAt: at, UpdatedAt: at, DueAt: at, Since: at, Tries: 1,
		Attempts: []bridge.Attempt{{At: at, Took: time.Second, Outcome: bridge.AttemptSent, Status: 250}},
	}
}
