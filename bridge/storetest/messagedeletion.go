package storetest

import (
	"errors"

	"invitebridge/bridge"
)

var messageDeletionTests = []test{
	{"deletion takes all messages of the invitation, and no other", func(b *bench) {
		owners := b.owners(5)
		world := b.outbox(owners, 60)
		b.post(world...)
		for _, i := range []int{2, 0, 4} {
			gone := owners[i]
			b.delete(gone)
			world = without(world, gone.ID)
			b.sameMessages(world, gone.ID)
			b.put(gone) // an old message must not come back with the id
			b.sameMessages(world, gone.ID)
		}
	}},
	{"deletion in every state", func(b *bench) {
		for _, state := range bridge.MessageStates() {
			for _, claimed := range []bool{false, true} {
				inv := b.invitation()
				b.put(inv)
				m := b.fullMessage(inv)
				if m.State = state; !claimed {
					m.Claim = nil
				}
				b.post(m)
				b.delete(inv)
				b.sameMessages(nil, inv.ID)
				b.same("queue", []bridge.Message{}, b.queue(m.Endpoint, 9))
			}
		}
	}},
	{"deletion goes by whose it is now", func(b *bench) {
		former, inv := b.invitation(), b.invitation()
		b.put(former, inv)
		m := b.fullMessage(former)
		b.post(m)
		m.InvitationID = inv.ID
		b.post(m)
		b.delete(former)
		b.sameMessages([]bridge.Message{m}, former.ID)
		b.delete(inv)
		b.sameMessages(nil, former.ID, inv.ID)
	}},
	{"deletion in the transaction that put them", func(b *bench) {
		inv := b.invitation()
		m := b.fullMessage(inv)
		b.update(func(tx bridge.Tx) error {
			err := errors.Join(tx.PutInvitation(inv), tx.PutMessage(m), tx.DeleteInvitation(inv.ID))
			b.sameMessagesIn(tx, nil, inv.ID)
			b.is(tx.PutMessage(m), bridge.ErrMissing)
			return err
		})
		b.sameMessages(nil, inv.ID)
	}},
	{"in the transaction that deletes everything", func(b *bench) {
		owners := b.owners(40)
		world := b.outbox(owners, 400)
		b.post(world...)
		b.update(func(tx bridge.Tx) error {
			kept := world
			for _, inv := range owners[1 : len(owners)-1] {
				if err := tx.DeleteInvitation(inv.ID); err != nil {
					return err
				}
				kept = without(kept, inv.ID)
			}
			b.sameMessagesIn(tx, kept, owners[20].ID)
			b.is(errors.Join(tx.DeleteInvitation(owners[0].ID), tx.DeleteInvitation(owners[39].ID)), nil)
			b.sameMessagesIn(tx, nil, owners[0].ID)
			return errors.Join(putAll(owners[0])(tx), postAll(of(owners[0], world)...)(tx))
		})
		b.sameMessages(of(owners[0], world), owners[20].ID)
	}},
}
