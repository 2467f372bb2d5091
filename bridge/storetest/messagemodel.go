package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// checkMessagePages checks that pages are in order, without duplicates, and
// contain every stored message that the query selects; they may contain newer
// ones.
func (b *fixture) checkMessagePages(stored, pages []bridge.Message, q bridge.MessageQuery) {
	b.Helper()
	old := map[uuid.UUID]bool{}
	for _, m := range stored {
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
	q.Limit = len(stored)
	b.same("the messages stored before", messageIDs(pickMessages(stored, q)), messageIDs(got))
}

// sameMessages compares every way to read messages with the stored ones: each by
// id; every combination of filters, from several starts and with several limits;
// and every endpoint's queue. others are invitations that must have no messages
// but the stored ones.
func (b *fixture) sameMessages(stored []bridge.Message, others ...uuid.UUID) {
	b.Helper()
	b.view(func(tx bridge.Tx) error {
		b.sameMessagesIn(tx, stored, others...)
		return nil
	})
}

func (b *fixture) sameMessagesIn(tx bridge.Tx, stored []bridge.Message, others ...uuid.UUID) {
	b.Helper()
	invitations, cursors, endpoints := append(others, uuid.Max), []uuid.UUID{{}, uuid.Max}, []string{"unknown"}
	for i, m := range stored {
		got, err := tx.Message(m.ID)
		b.is(err, nil)
		b.same("by id", m, got)
		invitations, endpoints = append(invitations, m.InvitationID), append(endpoints, m.Endpoint)
		if i%(len(stored)/2+1) == len(stored)/3 {
			cursors = append(cursors, m.ID)
		}
	}
	slices.SortFunc(invitations, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	invitations = slices.Compact(invitations)
	for _, state := range append(bridge.MessageStates(), "", "Queued") {
		for _, invitation := range invitations {
			for _, before := range cursors {
				for _, limit := range []int{2, 10_000} {
					q := bridge.MessageQuery{State: state, InvitationID: invitation, Before: before, Limit: limit}
					got, err := tx.ListMessages(q)
					b.is(err, nil)
					if want := pickMessages(stored, q); !slices.EqualFunc(want, got, sameMessageID) {
						b.same(fmt.Sprintf("%+v", q), messageIDs(want), messageIDs(got))
					}
				}
			}
		}
	}
	all, err := tx.ListMessages(bridge.MessageQuery{Limit: 10_000})
	b.is(err, nil)
	b.same("all", pickMessages(stored, bridge.MessageQuery{Limit: 10_000}), all)

	slices.Sort(endpoints)
	for _, endpoint := range slices.Compact(endpoints) {
		for _, limit := range []int{2, 10_000} {
			got, err := tx.QueuedMessages(endpoint, limit)
			b.is(err, nil)
			b.same(fmt.Sprintf("%d of the queue of %q", limit, endpoint), pickQueue(stored, endpoint, limit), got)
		}
	}
}

// pickMessages returns the list that a query selects, without an index.
func pickMessages(stored []bridge.Message, q bridge.MessageQuery) (list []bridge.Message) {
	for _, m := range slices.Backward(slices.SortedFunc(slices.Values(stored), byMessageID)) {
		if (q.State == "" || q.State == m.State) && (q.InvitationID == uuid.Nil || q.InvitationID == m.InvitationID) &&
			(q.Before == uuid.Nil || slices.Compare(m.ID[:], q.Before[:]) < 0) && len(list) < q.Limit {
			list = append(list, m)
		}
	}
	return list
}

// pickQueue returns the queue of an endpoint, without an index. No two messages
// may have the same NextAttemptAt.
func pickQueue(stored []bridge.Message, endpoint string, limit int) (list []bridge.Message) {
	for _, m := range stored {
		if m.State == bridge.MessageQueued && m.Endpoint == endpoint {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b bridge.Message) int { return nextAttemptAt(a).Compare(nextAttemptAt(b)) })
	return list[:min(limit, len(list))]
}

// nextAttemptAt repeats the rule of [bridge.Message.NextAttemptAt].
func nextAttemptAt(m bridge.Message) time.Time {
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
