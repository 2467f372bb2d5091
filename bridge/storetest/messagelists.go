package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

var messageListTests = []test{
	{"lists: every combination of filters", func(b *fixture) {
		owners := b.owners(5)
		stored := b.mixedMessages(owners[:4], 96)
		b.putMessages(stored...)
		b.sameMessages(stored, owners[4].ID)
	}},
	{"lists: follow changes", func(b *fixture) {
		owners := b.owners(4)
		stored := b.mixedMessages(owners, 60)
		b.putMessages(stored...)
		for i := range stored {
			switch m := &stored[i]; i % 5 {
			case 0:
				m.State, m.Claim = bridge.MessageSent, nil
			case 1:
				m.Endpoint = "moved"
			case 2:
				m.InvitationID = owners[i%3].ID
			case 3:
				m.State, m.DueAt = bridge.MessageQueued, m.DueAt.Add(30*24*time.Hour)
			}
			b.putMessages(stored[i])
		}
		b.sameMessages(stored)
	}},
	{"lists: an empty store", func(b *fixture) {
		b.sameMessages(nil)
		inv := b.invitation()
		b.put(inv)
		b.sameMessages(nil, inv.ID)
	}},
	{"paging: newer messages are written meanwhile", func(b *fixture) {
		owners := b.owners(5)
		stored := b.mixedMessages(owners, 100)
		b.putMessages(stored...)
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
						for _, m := range b.mixedMessages(owners, 6) {
							b.is(b.store.Update(context.Background(), putAllMessages(m)), nil)
						}
					}
				}
			}()
			got := b.pages(q, func([]bridge.Message) {})
			close(stop)
			<-done
			b.checkMessagePages(stored, got, q)
		}
	}},
	{"paging: messages of the last page no longer match", func(b *fixture) {
		owners := b.owners(3)
		stored := b.mixedMessages(owners, 60)
		b.putMessages(stored...)
		for _, q := range []bridge.MessageQuery{{State: bridge.MessageFailed}, {State: bridge.MessageQueued, InvitationID: owners[1].ID}} {
			got := b.pages(q, func(page []bridge.Message) {
				for _, m := range page {
					m.State = bridge.MessageDropped
					b.putMessages(m)
				}
			})
			b.checkMessagePages(stored, got, q)
			for i := range stored {
				if slices.ContainsFunc(got, func(m bridge.Message) bool { return m.ID == stored[i].ID }) {
					stored[i].State = bridge.MessageDropped
				}
			}
			b.sameMessages(stored)
		}
	}},
	{"paging: the last message of a page is deleted", func(b *fixture) {
		owners := b.owners(40)
		var stored []bridge.Message
		for _, inv := range owners {
			stored = append(stored, b.queuedMessage(inv))
		}
		b.putMessages(stored...)
		q := bridge.MessageQuery{State: bridge.MessageQueued}
		got := b.pages(q, func(page []bridge.Message) {
			b.update(func(tx bridge.Tx) error { return tx.DeleteInvitation(page[len(page)-1].InvitationID) })
		})
		b.checkMessagePages(stored, got, q)
	}},
}

// pages reads all pages of a query and calls between after each.
func (b *fixture) pages(q bridge.MessageQuery, between func(page []bridge.Message)) (all []bridge.Message) {
	b.Helper()
	q.Limit = 3
	for page := b.messages(q); len(page) > 0; page = b.messages(q) {
		last := page[len(page)-1].ID
		if q.Before != uuid.Nil && slices.Compare(last[:], q.Before[:]) >= 0 {
			b.Errorf("a page before %s ends with %s", q.Before, last)
			break // otherwise the loop might never end
		}
		all = append(all, page...)
		q.Before = last
		between(page)
	}
	return all
}
