package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

var messageListTests = []test{
	{"lists: every combination of filters", func(b *bench) {
		owners := b.owners(5)
		world := b.outbox(owners[:4], 96)
		b.post(world...)
		b.sameMessages(world, owners[4].ID)
	}},
	{"lists: they follow changes", func(b *bench) {
		owners := b.owners(4)
		world := b.outbox(owners, 60)
		b.post(world...)
		for i := range world {
			switch m := &world[i]; i % 5 {
			case 0:
				m.State, m.Claim = bridge.MessageSent, nil
			case 1:
				m.Endpoint = "moved"
			case 2:
				m.InvitationID = owners[i%3].ID
			case 3:
				m.State, m.DueAt = bridge.MessageQueued, m.DueAt.Add(30*24*time.Hour)
			}
			b.post(world[i])
		}
		b.sameMessages(world)
	}},
	{"lists: an empty store", func(b *bench) {
		b.sameMessages(nil)
		inv := b.invitation()
		b.put(inv)
		b.sameMessages(nil, inv.ID)
	}},
	{"paging: newer ones are put meanwhile", func(b *bench) {
		owners := b.owners(5)
		world := b.outbox(owners, 100)
		b.post(world...)
		for _, q := range []bridge.MessageQuery{
			{}, {State: bridge.MessageQueued}, {State: bridge.MessageFailed}, {InvitationID: owners[1].ID},
			{InvitationID: owners[2].ID, State: bridge.MessageSent},
		} {
			stop, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				for {
					select {
					case <-stop:
						return
					default:
						for _, m := range b.outbox(owners, 6) {
							b.is(b.store.Update(context.Background(), postAll(m)), nil)
						}
					}
				}
			}()
			got := b.pages(q, func([]bridge.Message) {})
			close(stop)
			<-done
			b.completeMessages(world, got, q)
		}
	}},
	{"paging: they leave the filter behind the reader", func(b *bench) {
		owners := b.owners(3)
		world := b.outbox(owners, 60)
		b.post(world...)
		for _, q := range []bridge.MessageQuery{{State: bridge.MessageFailed}, {State: bridge.MessageQueued, InvitationID: owners[1].ID}} {
			got := b.pages(q, func(page []bridge.Message) {
				for _, m := range page {
					m.State = bridge.MessageDropped
					b.post(m)
				}
			})
			b.completeMessages(world, got, q)
			for i := range world {
				if slices.ContainsFunc(got, func(m bridge.Message) bool { return m.ID == world[i].ID }) {
					world[i].State = bridge.MessageDropped
				}
			}
			b.sameMessages(world)
		}
	}},
	{"paging: what a page ended with is deleted", func(b *bench) {
		owners := b.owners(40)
		var world []bridge.Message
		for _, inv := range owners {
			world = append(world, b.queued(inv))
		}
		b.post(world...)
		q := bridge.MessageQuery{State: bridge.MessageQueued}
		got := b.pages(q, func(page []bridge.Message) {
			b.update(func(tx bridge.Tx) error { return tx.DeleteInvitation(page[len(page)-1].InvitationID) })
		})
		b.completeMessages(world, got, q)
	}},
}

// pages reads all there is, a page at a time, and calls between after each.
func (b *bench) pages(q bridge.MessageQuery, between func(page []bridge.Message)) (all []bridge.Message) {
	b.Helper()
	q.Limit = 3
	for page := b.messages(q); len(page) > 0; page = b.messages(q) {
		last := page[len(page)-1].ID
		if q.Before != uuid.Nil && slices.Compare(last[:], q.Before[:]) >= 0 {
			b.Errorf("a page before %s ends with %s", q.Before, last)
			break // or it would never end
		}
		all = append(all, page...)
		q.Before = last
		between(page)
	}
	return all
}
