package storetest

import (
	"context"
	"sync"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var pagingTests = []test{
	{"newer rows are written meanwhile", func(b *fixture) {
		stored := b.mixedInvitations(100)
		b.put(stored...)
		for _, q := range []bridge.InvitationQuery{
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
						for _, inv := range b.mixedInvitations(4) {
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
			b.checkPages(stored, got, q)
		}
	}},
	{"the last row of a page is deleted", func(b *fixture) {
		stored := b.mixedInvitations(40)
		b.put(stored...)
		var got []bridge.Invitation
		q := bridge.InvitationQuery{Limit: 3}
		for page := b.list(q); len(page) > 0; page = b.list(q) {
			got = append(got, page...)
			q.Before = page[len(page)-1].ID
			b.delete(page[len(page)-1])
		}
		b.checkPages(stored, got, q)
	}},
	{"rows of the last page no longer match", func(b *fixture) {
		stored := b.mixedInvitations(40)
		b.put(stored...)
		q := bridge.InvitationQuery{Limit: 2, State: bridge.StatePending}
		var got []bridge.Invitation
		for page := b.list(q); len(page) > 0; page = b.list(q) {
			got = append(got, page...)
			q.Before = page[len(page)-1].ID
			for _, inv := range page {
				inv.State = bridge.StateRevoked
				b.put(inv)
			}
		}
		b.checkPages(stored, got, q)
	}},
	{"many readers", func(b *fixture) {
		stored := b.mixedInvitations(50)
		b.put(stored...)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				var got []bridge.Invitation
				q := bridge.InvitationQuery{Limit: 7}
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
				b.checkPages(stored, got, q)
			})
		}
		wg.Wait()
	}},
}

// checkPages checks that pages are in order, without duplicates, and contain every
// stored row that the query selects; they may contain newer ones.
func (b *fixture) checkPages(stored, pages []bridge.Invitation, q bridge.InvitationQuery) {
	b.Helper()
	old := map[uuid.UUID]bool{}
	for _, inv := range stored {
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
	q.Before, q.Limit = uuid.Nil, len(stored)
	b.same("the rows stored before", idsOf(pick(stored, q)), idsOf(got))
}
