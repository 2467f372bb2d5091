package storetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var queueTests = []test{
	{"queue: the earliest first, up to the limit", func(b *bench) {
		inv := b.invitation()
		b.put(inv)
		var want []bridge.Message
		// The further back in time, the later put: neither id nor order of
		// writing may decide. Some times lie before 1970, and far ahead.
		for i := range 30 {
			m := b.queued(inv)
			m.DueAt = epoch.Add(time.Duration(15-i) * 4 * 365 * 24 * time.Hour)
			if i%3 == 0 {
				m.Claim, m.DueAt = &bridge.MessageClaim{ID: uuid.UUID{1}, Until: m.DueAt}, far
			}
			b.post(m)
			want = append([]bridge.Message{m}, want...)
		}
		for _, limit := range []int{1, 7, 29, 30, 31, 1000} {
			b.same(fmt.Sprint("limit ", limit), want[:min(limit, 30)], b.queue("crm", limit))
		}
	}},
	{"queue: a claim counts from its end, and DueAt again without it", func(b *bench) {
		inv := b.invitation()
		b.put(inv)
		first, second := b.queued(inv), b.queued(inv)
		b.post(first, second)
		order := func(what string, want ...bridge.Message) {
			b.Helper()
			b.same(what, want, b.queue("crm", 9))
		}
		order("both free", first, second)
		first = first.Begin(uuid.UUID{1}, first.DueAt, time.Minute)
		b.post(first)
		order("the first is claimed", second, first)
		second = second.Begin(uuid.UUID{2}, second.DueAt, time.Second)
		b.post(second)
		order("the second as well, for less time", second, first)
		first.Claim = &bridge.MessageClaim{ID: uuid.UUID{3}, Until: second.Claim.Until.Add(-time.Microsecond)}
		b.post(first)
		order("another claim of the first", first, second)
		second = second.HandBack(epoch)
		b.post(second)
		order("the second is handed back", second, first)
		first = first.Finish(bridge.Result{Outcome: bridge.Retry}, epoch, epoch, time.Time{}, 0.5)
		b.post(first)
		order("the first has to try again", second, first)
		second.DueAt = first.DueAt.Add(time.Microsecond)
		b.post(second)
		order("the second is put off", first, second)
	}},
	{"queue: only the queued", func(b *bench) {
		inv := b.invitation()
		b.put(inv)
		m := b.queued(inv).Begin(uuid.UUID{1}, epoch, time.Minute)
		for _, state := range bridge.MessageStates()[1:] {
			for _, claim := range []*bridge.MessageClaim{nil, m.Claim} {
				ended := b.queued(inv)
				ended.State, ended.Claim = state, claim
				b.post(ended)
			}
		}
		b.same("none yet", []bridge.Message{}, b.queue("crm", 9))
		for what, end := range map[string]func(bridge.Message) bridge.Message{
			"sent": func(m bridge.Message) bridge.Message {
				return m.Finish(bridge.Result{Outcome: bridge.Sent}, epoch, epoch, time.Time{}, 0)
			},
			"failed": func(m bridge.Message) bridge.Message {
				return m.Finish(bridge.Result{Outcome: bridge.Failed}, epoch, epoch, time.Time{}, 0)
			},
			"dropped": func(m bridge.Message) bridge.Message { return m.Drop(epoch) },
		} {
			b.post(m)
			b.same("before it was "+what, []bridge.Message{m}, b.queue("crm", 9))
			ended := end(m)
			b.post(ended)
			b.same(what, []bridge.Message{}, b.queue("crm", 9))
			if again, err := ended.Retry(far); err == nil {
				b.post(again)
				b.same(what+" and retried", []bridge.Message{again}, b.queue("crm", 9))
			}
		}
	}},
	{"queue: endpoints are compared to the letter", func(b *bench) {
		inv := b.invitation()
		b.put(inv)
		var world []bridge.Message
		for _, endpoint := range []string{"", "a", "aa", "ab", "A", "a ", "a\x00", "a|", "a\u0080", "a-1", "a-10", "courier", "courier-2", "queued"} {
			for i := range 3 {
				m := b.queued(inv)
				m.Endpoint = endpoint
				m.DueAt = m.DueAt.Add(time.Duration(i*2%3) * time.Hour)
				world = append(world, m)
			}
		}
		b.post(world...)
		b.sameMessages(world)
		for _, endpoint := range []string{"b", "aaa", "AA", "a\x01", "%", "courie", "ourier", "a-"} {
			b.same(endpoint, []bridge.Message{}, b.queue(endpoint, 9))
		}
	}},
	{"queue: many at one time", func(b *bench) {
		inv := b.invitation()
		b.put(inv)
		want := map[uuid.UUID]bool{}
		for i := range 50 {
			m := b.queued(inv)
			m.DueAt = epoch
			if i%2 == 0 {
				m.Claim, m.DueAt = &bridge.MessageClaim{Until: epoch}, far
			}
			b.post(m)
			want[m.ID] = true
		}
		got := map[uuid.UUID]bool{}
		for _, m := range b.queue("crm", 100) {
			got[m.ID] = true
		}
		b.same("ids", want, got)
	}},
	{"queue: worked off in portions, within transactions", func(b *bench) {
		inv := b.invitation()
		b.put(inv)
		for range 95 {
			b.post(b.queued(inv))
		}
		for left := 95; left >= 0; left -= 10 {
			b.update(func(tx bridge.Tx) error {
				list, err := tx.QueuedMessages("crm", 10)
				b.same("portion", min(10, left), len(list))
				for _, m := range list {
					if err := tx.PutMessage(m.Drop(far)); err != nil {
						return err
					}
				}
				return err
			})
		}
		b.same("none is left", []bridge.Message{}, b.queue("crm", 9))
		b.same("dropped", 95, len(b.messages(bridge.MessageQuery{State: bridge.MessageDropped, Limit: 1000})))
	}},
}

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

// completeMessages checks that the pages have no message twice, are in order,
// and have all of the world that the query selects; newer ones may be among
// them.
func (b *bench) completeMessages(world, pages []bridge.Message, q bridge.MessageQuery) {
	b.Helper()
	old := map[uuid.UUID]bool{}
	for _, m := range world {
		old[m.ID] = true
	}
	var got []bridge.Message
	for i, m := range pages {
		if i > 0 && byMessageID(pages[i-1], m) <= 0 {
			b.Errorf("%s after %s: twice, or out of order", m.ID, pages[i-1].ID)
		}
		if old[m.ID] {
			got = append(got, m)
		}
	}
	q.Limit = len(world)
	b.same("the messages there were before", messageIDs(pickMessages(world, q)), messageIDs(got))
}

// sameMessages compares every way to read messages with what the whole world
// says: each by its id, every combination of filters, begun and cut at several
// places, and every endpoint's queue. others are invitations that may have no
// message.
func (b *bench) sameMessages(world []bridge.Message, others ...uuid.UUID) {
	b.Helper()
	b.view(func(tx bridge.Tx) error {
		b.sameMessagesIn(tx, world, others...)
		return nil
	})
}

func (b *bench) sameMessagesIn(tx bridge.Tx, world []bridge.Message, others ...uuid.UUID) {
	b.Helper()
	invitations, befores, endpoints := append(others, uuid.Max), []uuid.UUID{{}, uuid.Max}, []string{"nobody"}
	for i, m := range world {
		got, err := tx.Message(m.ID)
		b.is(err, nil)
		b.same("by id", m, got)
		invitations, endpoints = append(invitations, m.InvitationID), append(endpoints, m.Endpoint)
		if i%(len(world)/2+1) == len(world)/3 {
			befores = append(befores, m.ID)
		}
	}
	slices.SortFunc(invitations, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	invitations = slices.Compact(invitations)
	for _, state := range append(bridge.MessageStates(), "", "Queued") {
		for _, invitation := range invitations {
			for _, before := range befores {
				for _, limit := range []int{2, 10_000} {
					q := bridge.MessageQuery{State: state, InvitationID: invitation, Before: before, Limit: limit}
					got, err := tx.ListMessages(q)
					b.is(err, nil)
					if want := pickMessages(world, q); !slices.EqualFunc(want, got, sameMessageID) {
						b.same(fmt.Sprintf("%+v", q), messageIDs(want), messageIDs(got))
					}
				}
			}
		}
	}
	all, err := tx.ListMessages(bridge.MessageQuery{Limit: 10_000})
	b.is(err, nil)
	b.same("all", pickMessages(world, bridge.MessageQuery{Limit: 10_000}), all)

	slices.Sort(endpoints)
	for _, endpoint := range slices.Compact(endpoints) {
		for _, limit := range []int{2, 10_000} {
			got, err := tx.QueuedMessages(endpoint, limit)
			b.is(err, nil)
			b.same(fmt.Sprintf("%d of the queue of %q", limit, endpoint), pickQueue(world, endpoint, limit), got)
		}
	}
}

// pickMessages is what a list means, without an index.
func pickMessages(world []bridge.Message, q bridge.MessageQuery) (list []bridge.Message) {
	for _, m := range slices.Backward(slices.SortedFunc(slices.Values(world), byMessageID)) {
		if (q.State == "" || q.State == m.State) && (q.InvitationID == uuid.Nil || q.InvitationID == m.InvitationID) &&
			(q.Before == uuid.Nil || slices.Compare(m.ID[:], q.Before[:]) < 0) && len(list) < q.Limit {
			list = append(list, m)
		}
	}
	return list
}

// pickQueue is what a queue means. No two of the world may have the same Next.
func pickQueue(world []bridge.Message, endpoint string, limit int) (list []bridge.Message) {
	for _, m := range world {
		if m.State == bridge.MessageQueued && m.Endpoint == endpoint {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b bridge.Message) int { return wanted(a).Compare(wanted(b)) })
	return list[:min(limit, len(list))]
}

// wanted spells out what Next says.
func wanted(m bridge.Message) time.Time {
	if m.Claim != nil {
		return m.Claim.Until
	}
	return m.DueAt
}

func byMessageID(a, b bridge.Message) int { return slices.Compare(a.ID[:], b.ID[:]) }

func sameMessageID(a, b bridge.Message) bool { return a.ID == b.ID }

func messageIDs(list []bridge.Message) (ids []string) {
	for _, m := range list {
		ids = append(ids, m.ID.String())
	}
	return ids
}
