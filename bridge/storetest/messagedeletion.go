package storetest

import (
	"errors"

	"invitebridge/bridge"
)

var messageDeletionTests = []test{
	{"deletion removes all messages of the invitation, and no others", func(b *fixture) {
		owners := b.owners(5)
		stored := b.mixedMessages(owners, 60)
		b.putMessages(stored...)
		for _, i := range []int{2, 0, 4} {
			gone := owners[i]
			b.delete(gone)
			stored = without(stored, gone.ID)
			b.sameMessages(stored, gone.ID)
			b.put(gone) // an old message must not reappear with the id
			b.sameMessages(stored, gone.ID)
		}
	}},
	{"deletion in every state", func(b *fixture) {
		for _, state := range bridge.MessageStates() {
			for _, claimed := range []bool{false, true} {
				inv := b.invitation()
				b.put(inv)
				m := b.fullMessage(inv)
				if m.State = state; !claimed {
					m.Claim = nil
				}
				b.putMessages(m)
				b.delete(inv)
				b.sameMessages(nil, inv.ID)
				b.same("queue", []bridge.Message{}, b.queue(m.Endpoint, 9))
			}
		}
	}},
	{"deletion uses the current invitation of a message", func(b *fixture) {
		former, inv := b.invitation(), b.invitation()
		b.put(former, inv)
		m := b.fullMessage(former)
		b.putMessages(m)
		m.InvitationID = inv.ID
		b.putMessages(m)
		b.delete(former)
		b.sameMessages([]bridge.Message{m}, former.ID)
		b.delete(inv)
		b.sameMessages(nil, former.ID, inv.ID)
	}},
	{"deletion in the transaction that stored them", func(b *fixture) {
		inv := b.invitation()
		m := b.fullMessage(inv)
		b.update(func(tx bridge.Tx) error {
			err := errors.Join(tx.PutInvitation(inv), tx.PutMessage(m), tx.DeleteInvitation(inv.ID))
			b.sameMessagesIn(tx, nil, inv.ID)
			b.is(tx.PutMessage(m), bridge.ErrRowNotFound)
			return err
		})
		b.sameMessages(nil, inv.ID)
	}},
	{"in a transaction that deletes everything", func(b *fixture) {
		owners := b.owners(40)
		stored := b.mixedMessages(owners, 400)
		b.putMessages(stored...)
		b.update(func(tx bridge.Tx) error {
			kept := stored
			for _, inv := range owners[1 : len(owners)-1] {
				if err := tx.DeleteInvitation(inv.ID); err != nil {
					return err
				}
				kept = without(kept, inv.ID)
			}
			b.sameMessagesIn(tx, kept, owners[20].ID)
			b.is(errors.Join(tx.DeleteInvitation(owners[0].ID), tx.DeleteInvitation(owners[39].ID)), nil)
			b.sameMessagesIn(tx, nil, owners[0].ID)
			return errors.Join(putAll(owners[0])(tx), putAllMessages(messagesOf(owners[0], stored)...)(tx))
		})
		b.sameMessages(messagesOf(owners[0], stored), owners[20].ID)
	}},
}
