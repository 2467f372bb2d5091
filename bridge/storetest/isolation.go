package storetest

import (
	"context"

	"invitebridge/bridge"
)

var isolationTests = []test{
	{"a view sees one moment", func(b *bench) {
		world := b.world(30)
		b.put(world...)
		late := b.invitation()
		b.view(func(tx bridge.Tx) error {
			b.sameListsIn(tx, world)
			b.inBackground(func() {
				changed := world[3]
				changed.State, changed.Email = bridge.StateRevoked, "changed@example.com"
				b.put(changed, late)
				b.delete(world[5])
			})
			b.sameListsIn(tx, world)
			got, err := tx.Invitation(world[5].ID)
			b.same("the deleted one", world[5], got)
			return err
		})
		b.missing(world[5])
		b.same("the late one", late, b.get(late.ID))
	}},
	{"a view sees nothing that is not committed", func(b *bench) {
		inv, fresh := b.invitation(), b.invitation()
		b.put(inv)
		b.update(func(tx bridge.Tx) error {
			changed := inv
			changed.Epoch = 5
			if err := putAll(changed, fresh)(tx); err != nil {
				return err
			}
			b.inBackground(func() { b.sameLists([]bridge.Invitation{inv}) })
			return nil
		})
		b.same("afterwards", 5, b.get(inv.ID).Epoch)
	}},
	{"a view must not write", func(b *bench) {
		inv, fresh := b.invitation(), b.invitation()
		b.put(inv)
		b.view(func(tx bridge.Tx) error {
			changed := inv
			changed.Epoch = 5
			for what, err := range map[string]error{
				"same":      tx.PutInvitation(inv),
				"put":       tx.PutInvitation(fresh),
				"change":    tx.PutInvitation(changed),
				"put token": tx.PutToken(digestOf("one"), bridge.TokenRecord{InvitationID: inv.ID}),
				"delete":    tx.DeleteInvitation(inv.ID),
			} {
				if err == nil {
					b.Errorf("%s: no error", what)
				}
			}
			b.sameListsIn(tx, []bridge.Invitation{inv}) // the Tx still reads
			return nil
		})
		b.sameLists([]bridge.Invitation{inv})
		b.missing(fresh, digestOf("one"))
	}},
	{"an update sees all that was committed before", func(b *bench) {
		for i := range 50 {
			inv := b.invitation()
			b.inBackground(func() { b.put(inv) })
			b.update(func(tx bridge.Tx) error {
				all, err := tx.ListInvitations(bridge.Query{Limit: 1000})
				b.same("rows", i+1, len(all))
				return err
			})
		}
	}},
	{"views do not wait for each other", func(b *bench) {
		b.put(b.invitation())
		b.view(func(bridge.Tx) error {
			b.inBackground(func() {
				b.is(b.store.View(context.Background(), func(bridge.Tx) error { return nil }), nil)
			})
			return nil
		})
	}},
}

// inBackground runs fn in a goroutine of its own and waits for it: a store
// must not tell transactions apart by goroutine. fn must not end the test.
func (b *bench) inBackground(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	<-done
}
