package storetest

import (
	"time"

	"fmt"

	"invitebridge/bridge"
)

var durabilityTests = []test{
	{"everything survives", func(b *fixture) {
		stored := b.mixedInvitations(48)
		for i := range stored {
			if i%8 == 0 { // it is pending
				stored[i].Claim = b.fullInvitation().Claim
			}
		}
		b.put(stored...)
		for i, inv := range stored {
			b.putToken(digestOf(fmt.Sprint(i)), bridge.TokenRecord{InvitationID: inv.ID, Channel: "email", Epoch: i})
		}
		due := b.anyDue()
		b.same("due", len(stored), len(due))
		for range 2 {
			b.restart()
			b.sameLists(stored)
			b.same("due", due, b.anyDue())
			for i, inv := range stored {
				b.hasToken(digestOf(fmt.Sprint(i)), inv, bridge.TokenRecord{InvitationID: inv.ID, Channel: "email", Epoch: i})
			}
		}
	}},
	{"deletions and changes survive", func(b *fixture) {
		inv, gone := b.fullInvitation(), b.invitation()
		b.put(inv, gone)
		b.putToken(digestOf("gone"), bridge.TokenRecord{InvitationID: gone.ID})
		b.delete(gone)
		inv.Claim, inv.CheckAt = nil, time.Time{}
		b.put(inv)
		b.restart()
		b.missing(gone, digestOf("gone"))
		b.sameLists([]bridge.Invitation{inv})
		b.due("expiring", bridge.Tx.ExpiringInvitations, inv)
		b.due("expired claims", bridge.Tx.ExpiredClaims)
	}},
	{"one pending invitation per email, after a restart", func(b *fixture) {
		inv, rival := b.invitation(), b.invitation()
		rival.Email = inv.Email
		b.put(inv)
		b.restart()
		b.refusesPending(rival)
	}},
	{"one invitation per restart", func(b *fixture) {
		var stored []bridge.Invitation
		for range 10 {
			stored = append(stored, b.invitation())
			b.put(stored[len(stored)-1])
			b.restart()
			b.sameLists(stored)
		}
	}},
	{"an empty store", func(b *fixture) {
		b.restart()
		b.sameLists(nil)
	}},
}

// restart closes the store and opens it again.
func (b *fixture) restart() {
	b.Helper()
	if err := b.store.Close(); err != nil {
		b.Fatalf("Close: %v", err)
	}
	b.reopen()
}
