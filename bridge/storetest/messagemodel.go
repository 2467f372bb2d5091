package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

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
