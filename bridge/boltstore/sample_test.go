package boltstore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// sample is the n-th invitation of a store as a company would have it: a
// thousand inviters, all texts set. Its id is the time of its making, as in a
// UUIDv7; the digest is its token's.
func sample(n int) (bridge.Invitation, bridge.Digest) {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(n) * 700 * time.Millisecond)
	id := uuid.UUID(sum[:16])
	binary.BigEndian.PutUint64(id[:], uint64(at.UnixMilli())<<16|0x7000|uint64(id[7]))
	inviter := n % 1000
	return bridge.Invitation{
		ID:          id,
		State:       bridge.StatePending,
		Email:       fmt.Sprintf("person.%d@department-%d.example.com", n, n%50),
		IdentityID:  uuid.UUID(sum[16:]),
		SchemaID:    "employee",
		InviterID:   fmt.Sprintf("0197a3c2-0000-7000-8000-%012d", inviter),
		InviterName: fmt.Sprintf("Inviter %d of the Company", inviter),
		Locale:      "en",
		ReturnTo:    "https://app.example.com/welcome",
		Lifespan:    168 * time.Hour,
		Delivery:    "email",
		CreatedAt:   at,
		UpdatedAt:   at,
		ExpiresAt:   at.Add(168 * time.Hour),
		AnnouncedAt: at,
	}, sum
}

// invite writes what an invite does: an invitation and the token for its answer.
func invite(tx bridge.Tx, n int) error {
	inv, d := sample(n)
	if err := tx.PutInvitation(inv); err != nil {
		return err
	}
	return tx.PutToken(d, bridge.TokenRecord{InvitationID: inv.ID, Channel: bridge.ChannelAPI})
}

func inviting(n int) func(bridge.Tx) error {
	return func(tx bridge.Tx) error { return invite(tx, n) }
}

// load puts many invitations into a store, without waiting for the disk until
// the end. Much larger commits would be faster, and leave the file with so many
// free pages that their list would be the greater part of each later commit.
func load(tb testing.TB, s *Store, count int) {
	tb.Helper()
	const step = 100
	s.db.NoSync = true
	for first := 0; first < count; first += step {
		err := s.Update(context.Background(), func(tx bridge.Tx) error {
			for n := first; n < min(first+step, count); n++ {
				if err := invite(tx, n); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	s.db.NoSync = false
	if err := s.db.Sync(); err != nil {
		tb.Fatal(err)
	}
}
