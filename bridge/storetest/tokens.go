package storetest

import (
	"fmt"

	"invitebridge/bridge"
)

var tokenTests = []test{
	{"look-up", func(b *fixture) {
		inv, other := b.fullInvitation(), b.invitation()
		d, r := digestOf("one"), bridge.TokenRecord{InvitationID: inv.ID, Channel: bridge.ChannelAPI, Epoch: 3}
		b.put(inv, other)
		b.putToken(d, r)
		b.putToken(digestOf("other"), bridge.TokenRecord{InvitationID: other.ID})
		b.hasToken(d, inv, r)
	}},
	{"unknown digest", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		b.putToken(digestOf("one"), bridge.TokenRecord{InvitationID: inv.ID})
		near := digestOf("one")
		near[31] ^= 1
		b.missing(b.invitation(), near, bridge.Digest{}, digestOf("two"))
	}},
	{"several tokens of one invitation", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		for i := range 20 {
			b.putToken(digestOf(fmt.Sprint(i)), bridge.TokenRecord{InvitationID: inv.ID, Epoch: i})
		}
		for i := range 20 {
			b.hasToken(digestOf(fmt.Sprint(i)), inv, bridge.TokenRecord{InvitationID: inv.ID, Epoch: i})
		}
	}},
	{"a put replaces the whole record", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		b.putToken(digestOf("one"), bridge.TokenRecord{InvitationID: inv.ID, Channel: "email", Epoch: 2})
		b.putToken(digestOf("one"), bridge.TokenRecord{InvitationID: inv.ID})
		b.hasToken(digestOf("one"), inv, bridge.TokenRecord{InvitationID: inv.ID})
	}},
	{"the invitation is the current one", func(b *fixture) {
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
	{"no token without an invitation", func(b *fixture) {
		inv := b.invitation()
		b.update(func(tx bridge.Tx) error {
			b.is(tx.PutToken(digestOf("one"), bridge.TokenRecord{InvitationID: inv.ID}), bridge.ErrRowNotFound)
			return tx.PutInvitation(inv) // the Tx still works
		})
		b.same("invitation", inv, b.get(inv.ID))
		b.missing(b.invitation(), digestOf("one"))
	}},
	{"in the transaction that puts the invitation", func(b *fixture) {
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
	{"deletion removes all tokens of the invitation, and no others", func(b *fixture) {
		before, inv, after := b.invitation(), b.fullInvitation(), b.invitation()
		b.put(before, inv, after)
		var deleted []bridge.Digest
		for i := range 30 {
			deleted = append(deleted, digestOf(fmt.Sprint("deleted ", i)))
			b.putToken(deleted[i], bridge.TokenRecord{InvitationID: inv.ID})
		}
		b.putToken(digestOf("before"), bridge.TokenRecord{InvitationID: before.ID})
		b.putToken(digestOf("after"), bridge.TokenRecord{InvitationID: after.ID})
		b.delete(inv)
		b.missing(inv, deleted...)
		b.hasToken(digestOf("before"), before, bridge.TokenRecord{InvitationID: before.ID})
		b.hasToken(digestOf("after"), after, bridge.TokenRecord{InvitationID: after.ID})

		b.put(inv) // an old token must not reappear with the id
		b.missing(b.invitation(), deleted...)
		b.same("all", []bridge.Invitation{after, inv, before}, b.list(bridge.InvitationQuery{Limit: 9}))
	}},
	{"deletion of a missing invitation", func(b *fixture) {
		inv, other := b.invitation(), b.invitation()
		b.update(func(tx bridge.Tx) error {
			b.is(tx.DeleteInvitation(inv.ID), bridge.ErrRowNotFound)
			return tx.PutInvitation(other) // the Tx still works
		})
		b.same("all", []bridge.Invitation{other}, b.list(bridge.InvitationQuery{Limit: 9}))
	}},
	{"deletion in every state", func(b *fixture) {
		for _, state := range bridge.States() {
			for _, claimed := range []bool{false, true} {
				inv := b.fullInvitation()
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

func (b *fixture) delete(inv bridge.Invitation) {
	b.Helper()
	b.update(func(tx bridge.Tx) error { return tx.DeleteInvitation(inv.ID) })
}

func (b *fixture) hasToken(d bridge.Digest, inv bridge.Invitation, r bridge.TokenRecord) {
	b.Helper()
	b.view(func(tx bridge.Tx) error {
		got, record, err := tx.InvitationByToken(d)
		b.same("the token's invitation", inv, got)
		b.same("the token's record", r, record)
		return err
	})
}
