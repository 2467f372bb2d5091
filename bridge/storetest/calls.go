package storetest

import (
	"context"
	"errors"
	"time"

	"invitebridge/bridge"
)

var callTests = []test{
	{"a context that is done before the call", func(b *fixture) {
		canceled, cancel := context.WithCancel(context.Background())
		cancel()
		late, done := context.WithDeadline(context.Background(), time.Unix(1, 0))
		defer done()
		inv := b.invitation()
		for ctx, want := range map[context.Context]error{canceled: context.Canceled, late: context.DeadlineExceeded} {
			ran := func(bridge.Tx) error {
				b.Error("the function ran")
				return nil
			}
			for range 20 {
				b.is(b.store.Update(ctx, ran), want)
				b.is(b.store.View(ctx, ran), want)
			}
		}
		b.missing(inv)
		b.put(inv)
	}},
	{"a context that ends while an update waits", func(b *fixture) {
		inv := b.invitation()
		late := inv // so that it has to wait
		late.Epoch++
		ctx, cancel := context.WithCancel(context.Background())
		result := make(chan error, 1)
		b.update(func(tx bridge.Tx) error {
			err := tx.PutInvitation(inv)
			go func() { result <- b.store.Update(ctx, putAll(late)) }()
			cancel()
			b.is(<-result, context.Canceled) // while this update is still running
			return err
		})
		b.sameLists([]bridge.Invitation{inv})
		b.same("invitation", inv, b.get(inv.ID))
	}},
	{"ping", func(b *fixture) {
		for range 100 {
			b.is(b.store.Ping(context.Background()), nil)
		}
		b.sameLists(nil)
	}},
	{"scrubbing changes nothing", func(b *fixture) {
		kept, gone := b.fullInvitation(), b.invitation()
		b.put(kept, gone)
		b.delete(gone)
		for range 2 {
			b.is(b.store.Scrub(context.Background()), nil)
			b.sameLists([]bridge.Invitation{kept})
		}
		b.restart()
		b.sameLists([]bridge.Invitation{kept})
	}},
	{"after Close", func(b *fixture) {
		b.put(b.invitation())
		if err := b.store.Close(); err != nil {
			b.Fatal(err)
		}
		ran := func(bridge.Tx) error {
			b.Error("the function ran")
			return nil
		}
		for what, err := range map[string]error{
			"Update":    b.store.Update(context.Background(), ran),
			"View":      b.store.View(context.Background(), ran),
			"Ping":      b.store.Ping(context.Background()),
			"Scrub":     b.store.Scrub(context.Background()),
			"TakeLease": b.store.TakeLease(context.Background(), lease("ada", 1), epoch),
			"DropLease": b.store.DropLease(context.Background(), lease("ada", 1)),
		} {
			if !errors.Is(err, bridge.ErrStoreClosed) {
				b.Errorf("%s: %v", what, err)
			}
		}
		if err := b.store.Close(); err != nil {
			b.Errorf("the second Close: %v", err)
		}
	}},
	{"Close waits for calls in progress", func(b *fixture) {
		inv := b.invitation()
		closed := make(chan error, 1)
		b.update(func(tx bridge.Tx) error {
			store := b.store
			go func() { closed <- store.Close() }()
			// Wait until Close has begun: then calls are refused.
			for range 1000 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
				err := store.View(ctx, func(bridge.Tx) error { return nil })
				cancel()
				if err != nil {
					break
				}
			}
			select {
			case err := <-closed:
				b.Errorf("Close did not wait: %v", err)
			default:
			}
			return tx.PutInvitation(inv)
		})
		b.is(<-closed, nil)
		b.reopen()
		b.sameLists([]bridge.Invitation{inv})
	}},
	{"many calls of Close at once", func(b *fixture) {
		b.put(b.invitation())
		results := make(chan error, 8)
		for range cap(results) {
			go func() { results <- b.store.Close() }()
		}
		for range cap(results) {
			b.is(<-results, nil)
		}
	}},
}
