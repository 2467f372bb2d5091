package pgstore

import (
	"context"
	"errors"
	"testing"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// TestRoundTrips counts the round trips of an invite and of an acceptance, as the
// rules make them, on a connection that has prepared the statements.
func TestRoundTrips(t *testing.T) {
	proxy, dsn := startProxy(t, newDatabase(t))
	s := open(t, withWords(t, dsn, "max_conns", "1"))
	made := 0
	invite := func() bridge.Invitation {
		made++
		inv := sample(made)
		update(t, s, func(tx bridge.Tx) error {
			if _, err := tx.PendingInvitation(inv.Email, inv.SchemaID); !errors.Is(err, bridge.ErrRowNotFound) {
				return err
			}
			if _, err := tx.Invitation(inv.ID); !errors.Is(err, bridge.ErrRowNotFound) { // to count it
				return err
			}
			if err := tx.PutInvitation(inv); err != nil {
				return err
			}
			_, err := tx.ListMessages(bridge.MessageQuery{InvitationID: inv.ID, State: bridge.MessageQueued, Limit: 9})
			return errors.Join(err, tx.PutMessage(message(inv, 1)), tx.PutMessage(message(inv, 2)),
				tx.PutToken(digest(inv), bridge.TokenRecord{InvitationID: inv.ID}))
		})
		return inv
	}
	accept := func(inv bridge.Invitation) {
		err := s.View(context.Background(), func(tx bridge.Tx) error {
			_, _, err := tx.InvitationByToken(digest(inv))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		update(t, s, func(tx bridge.Tx) error {
			got, _, err := tx.InvitationByToken(digest(inv))
			got.Claim = &bridge.Claim{ID: uuid.UUID{1}, Until: inv.ExpiresAt}
			return errors.Join(err, tx.PutInvitation(got))
		})
		update(t, s, func(tx bridge.Tx) error {
			got, err := tx.Invitation(inv.ID)
			return errors.Join(err, tx.PutInvitation(got.Accept(inv.CreatedAt)), tx.PutMessage(message(inv, 3)))
		})
	}
	accept(invite())
	for name, c := range map[string]struct {
		most int
		call func()
	}{
		"invite":            {4, func() { invite() }},
		"invite and accept": {4 + 6, func() { accept(invite()) }},
	} {
		before := proxy.roundTrips()
		c.call()
		if got := proxy.roundTrips() - before; got > c.most {
			t.Errorf("%s: %d round trips, want at most %d", name, got, c.most)
		}
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

// digest returns the digest of an invitation's token.
func digest(inv bridge.Invitation) (d bridge.Digest) {
	copy(d[:], inv.ID[:])
	return d
}
