package storetest

import (
	"time"

	"fmt"

	"invitebridge/bridge"
)

var durabilityTests = []test{
	{"everything survives", func(b *bench) {
		world := b.world(48)
		for i := range world {
			if i%8 == 0 { // a pending one
				world[i].Claim = b.full().Claim
			}
		}
		b.put(world...)
		for i, inv := range world {
			b.putToken(digestOf(fmt.Sprint(i)), bridge.TokenRecord{InvitationID: inv.ID, Channel: "email", Epoch: i})
		}
		due := b.anyDue()
		b.same("due", len(world), len(due))
		for range 2 {
			b.restart()
			b.sameLists(world)
			b.same("due", due, b.anyDue())
			for i, inv := range world {
				b.hasToken(digestOf(fmt.Sprint(i)), inv, bridge.TokenRecord{InvitationID: inv.ID, Channel: "email", Epoch: i})
			}
		}
	}},
	{"deletions and changes survive", func(b *bench) {
		inv, gone := b.full(), b.invitation()
		b.put(inv, gone)
		b.putToken(digestOf("gone"), bridge.TokenRecord{InvitationID: gone.ID})
		b.delete(gone)
		inv.Claim, inv.LookAt = nil, time.Time{}
		b.put(inv)
		b.restart()
		b.missing(gone, digestOf("gone"))
		b.sameLists([]bridge.Invitation{inv})
		b.due("expiring", bridge.Tx.ExpiringInvitations, inv)
		b.due("lapsed", bridge.Tx.LapsedClaims)
	}},
	{"one pending for each e-mail, still", func(b *bench) {
		inv, rival := b.invitation(), b.invitation()
		rival.Email = inv.Email
		b.put(inv)
		b.restart()
		b.taken(rival)
	}},
	{"a little at a time", func(b *bench) {
		var world []bridge.Invitation
		for range 10 {
			world = append(world, b.invitation())
			b.put(world[len(world)-1])
			b.restart()
			b.sameLists(world)
		}
	}},
	{"an empty store", func(b *bench) {
		b.restart()
		b.sameLists(nil)
	}},
}

// restart closes the store and opens it again.
func (b *bench) restart() {
	b.Helper()
	if err := b.store.Close(); err != nil {
		b.Fatalf("Close: %v", err)
	}
	b.reopen()
}
