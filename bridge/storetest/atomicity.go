package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"invitebridge/bridge"
)

// errRule is the error of a function that decides against its own writes.
var errRule = errors.New("refused by a rule")

var atomicityTests = []test{
	{"a function that fails writes nothing", func(b *fixture) {
		b.leavesNothing(func(fn func(bridge.Tx) error) {
			err := b.store.Update(context.Background(), func(tx bridge.Tx) error {
				if err := fn(tx); err != nil {
					return err
				}
				return errRule
			})
			if !same(err, errRule) {
				b.Errorf("got %v, want the function's own error", err)
			}
		})
	}},
	{"a function that panics writes nothing", func(b *fixture) {
		b.leavesNothing(func(fn func(bridge.Tx) error) {
			reason := recovered(func() {
				_ = b.store.Update(context.Background(), func(tx bridge.Tx) error {
					if err := fn(tx); err != nil {
						return err
					}
					panic(errRule)
				})
			})
			if !same(reason, errRule) {
				b.Errorf("the caller recovered %v, want the function's own panic", reason)
			}
		})
	}},
	{"a view that fails or panics", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		if err := b.store.View(context.Background(), func(bridge.Tx) error { return errRule }); !same(err, errRule) {
			b.Errorf("got %v, want the function's own error", err)
		}
		reason := recovered(func() {
			_ = b.store.View(context.Background(), func(bridge.Tx) error { panic(errRule) })
		})
		if !same(reason, errRule) {
			b.Errorf("the caller recovered %v, want the function's own panic", reason)
		}
		b.put(b.invitation()) // the views hold no lock
		b.same("invitation", inv, b.get(inv.ID))
	}},
	{"a function that does nothing", func(b *fixture) {
		b.update(func(bridge.Tx) error { return nil })
		b.is(b.store.Update(context.Background(), func(bridge.Tx) error { return errRule }), errRule)
		b.sameLists(nil)
	}},
	{"failures and panics among other updates", func(b *fixture) {
		const count = 90
		old, list := b.invitation(), make([]bridge.Invitation, count)
		b.put(old)
		for i := range list {
			list[i] = b.invitation()
		}
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i, inv := range list {
			wg.Go(func() {
				<-start
				reason := recovered(func() {
					err := b.store.Update(context.Background(), func(tx bridge.Tx) error {
						if err := tx.PutInvitation(inv); err != nil {
							return err
						}
						switch i % 3 {
						case 1:
							// Others must not see what is rolled back.
							if err := tx.DeleteInvitation(old.ID); err != nil {
								return err
							}
							return fmt.Errorf("%d: %w", i, errRule)
						case 2:
							panic(i)
						}
						_, err := tx.Invitation(old.ID)
						return err
					})
					if want := [...]error{nil, errRule, nil}[i%3]; !errors.Is(err, want) || err != nil && err.Error() != fmt.Sprintf("%d: %v", i, errRule) {
						b.Errorf("%d: got %v, want %v", i, err, want)
					}
				})
				if want := [...]any{nil, nil, i}[i%3]; reason != want {
					b.Errorf("%d: recovered %v, want %v", i, reason, want)
				}
			})
		}
		close(start)
		wg.Wait()
		want := []bridge.Invitation{old}
		for i, inv := range list {
			if i%3 == 0 {
				want = append(want, inv)
			}
		}
		b.sameLists(want)
	}},
	{"a function that runs again starts from a clean state", func(b *fixture) {
		// Concurrent functions fail after writing, which may make it run again.
		inv := b.invitation()
		b.put(inv)
		var wg sync.WaitGroup
		for i := range 40 {
			failing := b.invitation()
			wg.Go(func() {
				_ = b.store.Update(context.Background(), func(tx bridge.Tx) error {
					if i%2 == 0 {
						return errors.Join(tx.PutInvitation(failing), errRule)
					}
					got, err := tx.Invitation(inv.ID)
					if err != nil {
						return err
					}
					got.Epoch++
					return tx.PutInvitation(got)
				})
			})
		}
		wg.Wait()
		b.same("increments", 20, b.get(inv.ID).Epoch)
	}},
}

// leavesNothing passes fail a function with all kinds of writes, and checks that
// nothing has changed and that the store still works.
func (b *fixture) leavesNothing(fail func(func(bridge.Tx) error)) {
	b.Helper()
	kept, gone, fresh, last := b.invitation(), b.fullInvitation(), b.invitation(), b.invitation()
	r := bridge.TokenRecord{InvitationID: gone.ID, Channel: bridge.ChannelAPI}
	b.put(kept, gone)
	b.putToken(digestOf("gone"), r)
	fail(func(tx bridge.Tx) error {
		changed := kept
		changed.State, changed.Email = bridge.StateRevoked, "changed@example.com"
		return errors.Join(
			tx.PutInvitation(changed),
			tx.PutInvitation(fresh),
			tx.PutToken(digestOf("fresh"), bridge.TokenRecord{InvitationID: fresh.ID}),
			tx.PutToken(digestOf("gone"), bridge.TokenRecord{InvitationID: kept.ID, Epoch: 5}),
			tx.DeleteInvitation(gone.ID),
		)
	})
	b.sameLists([]bridge.Invitation{kept, gone})
	b.isPending(kept)
	b.hasToken(digestOf("gone"), gone, r)
	b.missing(fresh, digestOf("fresh"))
	b.put(last)
	b.isPending(last)
}

// same reports whether an error is returned as it is, not wrapped.
func same(a, b any) bool { return a == b }

// recovered runs fn and returns what it panicked with.
func recovered(fn func()) (reason any) {
	defer func() { reason = recover() }()
	fn()
	return nil
}
