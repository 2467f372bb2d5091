package pgstore

import (
	"context"
	"errors"
	"testing"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// TestRoundTrips counts the round trips that the callers of an invite and of an
// acceptance wait for, as the rules make them, on a connection that has prepared the
// statements. See TestEndOfCheck for those that they do not wait for.
func TestRoundTrips(t *testing.T) {
	proxy, dsn := startProxy(t, newDatabase(t))
	s := open(t, withWords(t, dsn, "max_conns", "1"))
	made := 0
	look := func(fn func(bridge.Tx) error) {
		if err := s.View(context.Background(), fn); err != nil && !errors.Is(err, bridge.ErrRowNotFound) {
			t.Fatal(err)
		}
	}
	invite := func() bridge.Invitation {
		made++
		inv := sample(made)
		pending := func(tx bridge.Tx) error {
			_, err := tx.PendingInvitation(inv.Email, inv.SchemaID)
			return err
		}
		look(pending)
		l := bridge.Lease{Name: bridge.NewLeaseName("email", inv.Email), Holder: inv.ID, Until: inv.ExpiresAt}
		if err := s.TakeLease(context.Background(), l, inv.CreatedAt); err != nil {
			t.Fatal(err)
		}
		look(pending)
		update(t, s, func(tx bridge.Tx) error {
			if err := errors.Join(tx.InsertInvitation(inv), tx.EndLease(l)); err != nil {
				return err
			}
			_, err := tx.ListMessages(bridge.MessageQuery{InvitationID: inv.ID, State: bridge.MessageQueued, Limit: 9})
			return errors.Join(err, tx.PutMessage(message(inv, 1)), tx.PutMessage(message(inv, 2)),
				tx.PutToken(digest(inv), bridge.TokenRecord{InvitationID: inv.ID}), tx.AppendHistory(entry(inv, 1)), tx.PutMessage(message(inv, 4)))
		})
		return inv
	}
	accept := func(inv bridge.Invitation) {
		look(func(tx bridge.Tx) error {
			_, _, err := tx.InvitationByToken(digest(inv))
			return err
		})
		update(t, s, func(tx bridge.Tx) error {
			got, _, err := tx.InvitationByToken(digest(inv))
			got.Claim = &bridge.Claim{ID: uuid.UUID{1}, Until: inv.ExpiresAt}
			return errors.Join(err, tx.PutInvitation(got))
		})
		update(t, s, func(tx bridge.Tx) error { // may the password be sent?
			_, err := tx.Invitation(inv.ID)
			return err
		})
		update(t, s, func(tx bridge.Tx) error {
			got, err := tx.Invitation(inv.ID)
			return errors.Join(err, tx.PutInvitation(got.Accept(inv.CreatedAt)), tx.PutMessage(message(inv, 3)), tx.AppendHistory(entry(inv, 2)))
		})
	}
	accept(invite())
	for name, c := range map[string]struct {
		most int
		call func()
	}{
		"invite":            {5, func() { invite() }},
		"invite and accept": {5 + 6, func() { accept(invite()) }},
	} {
		before := proxy.roundTrips()
		c.call()
		s.running.Wait() // for the rollbacks
		if got := proxy.roundTrips() - before; got > c.most {
			t.Errorf("%s: %d round trips, want at most %d", name, got, c.most)
		}
	}
}

// TestEndOfCheck: the end of an update that wrote nothing is not waited for, and its
// connection is used by no one before it has ended.
func TestEndOfCheck(t *testing.T) {
	proxy, dsn := startProxy(t, newDatabase(t))
	s := open(t, withWords(t, dsn, "max_conns", "1"))
	inv := sample(1)
	put(t, s, inv)
	for name, call := range map[string]func(context.Context, func(bridge.Tx) error) error{"view": s.View, "update": s.Update} {
		err := call(context.Background(), func(tx bridge.Tx) error {
			_, err := tx.Invitation(inv.ID)
			proxy.silence(true)
			return err
		})
		if n := s.pool.Stat().AcquiredConns(); err != nil || n != 1 {
			t.Errorf("%s: %d connections are in use (%v), want 1: it has not ended yet", name, n, err)
		}
		proxy.silence(false)
		increment(t, s, inv.ID, nil)
	}
}

func update(t testing.TB, s *Store, fn func(bridge.Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// message returns the n-th message of an invitation.
func message(inv bridge.Invitation, n int) bridge.Message {
	return bridge.Message{
		ID: uuid.UUID{0: 2, 14: inv.ID[15], 15: byte(n)}, InvitationID: inv.ID, Endpoint: "crm", State: bridge.MessageQueued,
		CreatedAt: inv.CreatedAt, UpdatedAt: inv.CreatedAt, DueAt: inv.CreatedAt, Since: inv.CreatedAt,
	}
}

// entry returns the n-th entry of the history of an invitation.
func entry(inv bridge.Invitation, n int) bridge.HistoryEntry {
	return bridge.HistoryEntry{
		ID: uuid.UUID{0: 3, 14: inv.ID[15], 15: byte(n)}, InvitationID: inv.ID, At: inv.CreatedAt, Action: bridge.ActionInvited,
		By: bridge.ByKey("backend").Actor(), RequestID: "request-1",
	}
}

// digest returns the digest of an invitation's token.
func digest(inv bridge.Invitation) (d bridge.Digest) {
	copy(d[:], inv.ID[:])
	return d
}
