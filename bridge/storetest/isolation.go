package storetest

import (
	"context"
	"errors"

	"invitebridge/bridge"
)

var isolationTests = []test{
	{"a view sees one snapshot", func(b *fixture) {
		stored := b.mixedInvitations(30)
		b.put(stored...)
		late := b.invitation()
		b.view(func(tx bridge.Tx) error {
			b.sameListsIn(tx, stored)
			b.inBackground(func() {
				changed := stored[3]
				changed.State, changed.Email = bridge.StateRevoked, "changed@example.com"
				b.put(changed, late)
				b.delete(stored[5])
			})
			b.sameListsIn(tx, stored)
			got, err := tx.Invitation(stored[5].ID)
			b.same("the deleted one", stored[5], got)
			return err
		})
		b.missing(stored[5])
		b.same("the late one", late, b.get(late.ID))
	}},
	{"a view sees only committed writes", func(b *fixture) {
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
	{"a view must not write", func(b *fixture) {
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
				"insert":    tx.InsertInvitation(fresh),
				"delete":    tx.DeleteInvitation(inv.ID),
			} {
				if !errors.Is(err, bridge.ErrReadOnly) {
					b.Errorf("%s: %v", what, err)
				}
			}
			b.sameListsIn(tx, []bridge.Invitation{inv}) // the Tx still reads
			return nil
		})
		b.sameLists([]bridge.Invitation{inv})
		b.missing(fresh, digestOf("one"))
	}},
	{"an update sees everything committed before", func(b *fixture) {
		for i := range 50 {
			inv := b.invitation()
			b.inBackground(func() { b.put(inv) })
			b.update(func(tx bridge.Tx) error {
				all, err := tx.ListInvitations(bridge.InvitationQuery{Limit: 1000})
				b.same("rows", i+1, len(all))
				return err
			})
		}
	}},
	{"views do not wait for each other", func(b *fixture) {
		b.put(b.invitation())
		b.view(func(bridge.Tx) error {
			b.inBackground(func() {
				b.is(b.store.View(context.Background(), func(bridge.Tx) error { return nil }), nil)
			})
			return nil
		})
	}},
}

// inBackground runs fn in another goroutine and waits for it: a store must not
// identify transactions by goroutine. fn must not call FailNow.
func (b *fixture) inBackground(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	<-done
}
