package storetest

import (
	"context"
	"sync"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var pagingTests = []test{
	{"newer ones are put meanwhile", func(b *bench) {
		world := b.world(100)
		b.put(world...)
		for _, q := range []bridge.Query{
			{}, {State: bridge.StatePending}, {InviterID: "inviter-1"}, {Email: "shared-2@example.com"},
			{InviterID: "inviter-2", State: bridge.StateRevoked}, {Email: "shared-3@example.com", State: bridge.StateExpired},
		} {
			stop, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				for {
					select {
					case <-stop:
						return
					default:
						for _, inv := range b.world(4) {
							b.is(b.store.Update(context.Background(), putAll(inv)), nil)
						}
					}
				}
			}()
			var got []bridge.Invitation
			q.Limit = 3
			for page := b.list(q); len(page) > 0; page = b.list(q) {
				got = append(got, page...)
				q.Before = page[len(page)-1].ID
			}
			close(stop)
			<-done
			b.complete(world, got, q)
		}
	}},
	{"the row a page ended with is deleted", func(b *bench) {
		world := b.world(40)
		b.put(world...)
		var got []bridge.Invitation
		q := bridge.Query{Limit: 3}
		for page := b.list(q); len(page) > 0; page = b.list(q) {
			got = append(got, page...)
			q.Before = page[len(page)-1].ID
			b.delete(page[len(page)-1])
		}
		b.complete(world, got, q)
	}},
	{"rows leave the filter behind the reader", func(b *bench) {
		world := b.world(40)
		b.put(world...)
		q := bridge.Query{Limit: 2, State: bridge.StatePending}
		var got []bridge.Invitation
		for page := b.list(q); len(page) > 0; page = b.list(q) {
			got = append(got, page...)
			q.Before = page[len(page)-1].ID
			for _, inv := range page {
				inv.State = bridge.StateRevoked
				b.put(inv)
			}
		}
		b.complete(world, got, q)
	}},
	{"many readers", func(b *bench) {
		world := b.world(50)
		b.put(world...)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				var got []bridge.Invitation
				q := bridge.Query{Limit: 7}
				for {
					var page []bridge.Invitation
					b.is(b.store.View(context.Background(), func(tx bridge.Tx) (err error) {
						page, err = tx.ListInvitations(q)
						return err
					}), nil)
					if len(page) == 0 {
						break
					}
					got = append(got, page...)
					q.Before = page[len(page)-1].ID
				}
				b.complete(world, got, q)
			})
		}
		wg.Wait()
	}},
}

// complete checks that the pages have no row twice, are in order, and have all
// of the world that the query selects; newer rows may be among them.
func (b *bench) complete(world, pages []bridge.Invitation, q bridge.Query) {
	b.Helper()
	old := map[uuid.UUID]bool{}
	for _, inv := range world {
		old[inv.ID] = true
	}
	var got []bridge.Invitation
	for i, inv := range pages {
		if i > 0 && byID(pages[i-1], inv) <= 0 {
			b.Errorf("%s after %s: twice, or out of order", inv.ID, pages[i-1].ID)
		}
		if old[inv.ID] {
			got = append(got, inv)
		}
	}
	q.Before, q.Limit = uuid.Nil, len(world)
	b.same("the rows there were before", idsOf(pick(world, q)), idsOf(got))
}
