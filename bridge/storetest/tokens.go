package storetest

import (
	"fmt"

	"invitebridge/bridge"
)

var tokenTests = []test{
	{"look-up", func(b *bench) {
		inv, other := b.full(), b.invitation()
		d, r := digestOf("one"), bridge.TokenRecord{InvitationID: inv.ID, Channel: bridge.ChannelAPI, Epoch: 3}
		b.put(inv, other)
		b.putToken(d, r)
		b.putToken(digestOf("other"), bridge.TokenRecord{InvitationID: other.ID})
		b.hasToken(d, inv, r)
	}},
	{"unknown digest", func(b *bench) {
		inv := b.invitation()
		b.put(inv)
		b.putToken(digestOf("one"), bridge.TokenRecord{InvitationID: inv.ID})
		near := digestOf("one")
		near[31] ^= 1
		b.missing(b.invitation(), near, bridge.Digest{}, digestOf("two"))
	}},
	{"several of one invitation", func(b *bench) {
		inv := b.invitation()
		b.put(inv)
		for i := range 20 {
			b.putToken(digestOf(fmt.Sprint(i)), bridge.TokenRecord{InvitationID: inv.ID, Epoch: i})
		}
		for i := range 20 {
			b.hasToken(digestOf(fmt.Sprint(i)), inv, bridge.TokenRecord{InvitationID: inv.ID, Epoch: i})
		}
	}},
	{"a record is replaced whole", func(b *bench) {
		inv := b.invitation()
		b.put(inv)
		b.putToken(digestOf("one"), bridge.TokenRecord{InvitationID: inv.ID, Channel: "email", Epoch: 2})
		b.putToken(digestOf("one"), bridge.TokenRecord{InvitationID: inv.ID})
		b.hasToken(digestOf("one"), inv, bridge.TokenRecord{InvitationID: inv.ID})
	}},
	{"the invitation is as it is now", func(b *bench) {
		inv := b.invitation()
		r := bridge.TokenRecord{InvitationID: inv.ID}
		b.put(inv)
		b.putToken(digestOf("one"), r)
		for _, state := range bridge.States() {
			inv.State = state
			b.put(inv)
			b.hasToken(digestOf("one"), inv, r)
		}
	}},
	{"no token without an invitation", func(b *bench) {
		inv := b.invitation()
		b.update(func(tx bridge.Tx) error {
			b.is(tx.PutToken(digestOf("one"), bridge.TokenRecord{InvitationID: inv.ID}), bridge.ErrMissing)
			return tx.PutInvitation(inv) // the Tx goes on
		})
		b.same("invitation", inv, b.get(inv.ID))
		b.missing(b.invitation(), digestOf("one"))
	}},
	{"in the transaction that puts the invitation", func(b *bench) {
		inv := b.invitation()
		r := bridge.TokenRecord{InvitationID: inv.ID, Channel: bridge.ChannelAPI}
		b.update(func(tx bridge.Tx) error {
			if err := tx.PutInvitation(inv); err != nil {
				return err
			}
			if err := tx.PutToken(digestOf("one"), r); err != nil {
				return err
			}
			got, record, err := tx.InvitationByToken(digestOf("one"))
			b.same("invitation", inv, got)
			b.same("record", r, record)
			return err
		})
		b.hasToken(digestOf("one"), inv, r)
	}},
	{"deletion takes all tokens of the invitation, and no other", func(b *bench) {
		before, inv, after := b.invitation(), b.full(), b.invitation()
		b.put(before, inv, after)
		var dead []bridge.Digest
		for i := range 30 {
			dead = append(dead, digestOf(fmt.Sprint("dead ", i)))
			b.putToken(dead[i], bridge.TokenRecord{InvitationID: inv.ID})
		}
		b.putToken(digestOf("before"), bridge.TokenRecord{InvitationID: before.ID})
		b.putToken(digestOf("after"), bridge.TokenRecord{InvitationID: after.ID})
		b.delete(inv)
		b.missing(inv, dead...)
		b.hasToken(digestOf("before"), before, bridge.TokenRecord{InvitationID: before.ID})
		b.hasToken(digestOf("after"), after, bridge.TokenRecord{InvitationID: after.ID})

		b.put(inv) // an old token must not come back with the id
		b.missing(b.invitation(), dead...)
		b.same("all", []bridge.Invitation{after, inv, before}, b.list(bridge.Query{Limit: 9}))
	}},
	{"deletion of what is missing", func(b *bench) {
		inv, other := b.invitation(), b.invitation()
		b.update(func(tx bridge.Tx) error {
			b.is(tx.DeleteInvitation(inv.ID), bridge.ErrMissing)
			return tx.PutInvitation(other) // the Tx goes on
		})
		b.same("all", []bridge.Invitation{other}, b.list(bridge.Query{Limit: 9}))
	}},
	{"deletion in every state", func(b *bench) {
		for _, state := range bridge.States() {
			for _, claimed := range []bool{false, true} {
				inv := b.full()
				inv.State = state
				if !claimed {
					inv.Claim = nil
				}
				b.put(inv)
				b.delete(inv)
				b.missing(inv)
				b.same("due", []bridge.Invitation{}, b.anyDue())
			}
		}
	}},
}

func (b *bench) delete(inv bridge.Invitation) {
	b.Helper()
	b.update(func(tx bridge.Tx) error { return tx.DeleteInvitation(inv.ID) })
}

func (b *bench) hasToken(d bridge.Digest, inv bridge.Invitation, r bridge.TokenRecord) {
	b.Helper()
	b.view(func(tx bridge.Tx) error {
		got, record, err := tx.InvitationByToken(d)
		b.same("the token's invitation", inv, got)
		b.same("the token's record", r, record)
		return err
	})
}
