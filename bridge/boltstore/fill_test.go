package boltstore

import (
	"context"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/storetest"

	"github.com/google/go-cmp/cmp"
)

// TestFill: a filled store has the number of pending invitations that was asked
// for; those returned are in it, with their tokens and in the order of their
// age; none expires within a day; and the same seed makes the same rows.
func TestFill(t *testing.T) {
	const n = 5000
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	var same [2][]storetest.Filled
	for i := range same {
		s := fresh(t)
		list, err := storetest.Fill(context.Background(), s, n, 7, now)
		if err != nil {
			t.Fatal(err)
		}
		if same[i] = list; len(list) != 1000 {
			t.Errorf("%d are returned", len(list))
		}
		err = s.View(context.Background(), func(tx bridge.Tx) error {
			if b, err := tx.Backlog(); err != nil || b.Pending != n {
				t.Errorf("%d are pending, %v", b.Pending, err)
			}
			for i, f := range list {
				inv, _, err := tx.InvitationByToken(f.Token.Digest())
				if diff := cmp.Diff(f.Invitation, inv); diff != "" || err != nil {
					t.Errorf("%d: %v\n%s", i, err, diff)
				}
				if i > 0 && compare(list[i-1].Invitation.ID, inv.ID) >= 0 {
					t.Errorf("%d is older than the one before", i)
				}
			}
			for within, want := range map[time.Duration]int{24 * time.Hour: 0, 8 * 24 * time.Hour: n} {
				due, err := tx.ExpiringInvitations(now.Add(within), n+1)
				if err != nil || len(due) != want {
					t.Errorf("%d expire within %v, want %d; %v", len(due), within, want, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(same[0], same[1], cmp.Comparer(func(a, b bridge.Token) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}
