package storetest

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

var queueTests = []test{
	{"queue: the earliest first, up to the limit", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		var want []bridge.Message
		// The earlier the time, the later the write: neither the id nor the order
		// of writing may decide. Some times are before 1970 or in the far future.
		for i := range 30 {
			m := b.queuedMessage(inv)
			m.DueAt = epoch.Add(time.Duration(15-i) * 4 * 365 * 24 * time.Hour)
			if i%3 == 0 {
				m.Claim, m.DueAt = &bridge.MessageClaim{ID: uuid.UUID{1}, Until: m.DueAt}, far
			}
			b.putMessages(m)
			want = append([]bridge.Message{m}, want...)
		}
		for _, limit := range []int{1, 7, 29, 30, 31, 1000} {
			b.same(fmt.Sprint("limit ", limit), want[:min(limit, 30)], b.queue("crm", limit))
		}
	}},
	{"queue: ordered by the end of the claim, else by DueAt", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		first, second := b.queuedMessage(inv), b.queuedMessage(inv)
		b.putMessages(first, second)
		order := func(what string, want ...bridge.Message) {
			b.Helper()
			b.same(what, want, b.queue("crm", 9))
		}
		order("no claims", first, second)
		first = first.BeginAttempt(uuid.UUID{1}, first.DueAt, time.Minute)
		b.putMessages(first)
		order("the first is claimed", second, first)
		second = second.BeginAttempt(uuid.UUID{2}, second.DueAt, time.Second)
		b.putMessages(second)
		order("the second as well, for less time", second, first)
		first.Claim = &bridge.MessageClaim{ID: uuid.UUID{3}, Until: second.Claim.Until.Add(-time.Microsecond)}
		b.putMessages(first)
		order("another claim of the first", first, second)
		second = second.Release(epoch)
		b.putMessages(second)
		order("the second is released", second, first)
		first = first.Finish(finished(bridge.AttemptRetry), epoch, time.Time{}, 0.5)
		b.putMessages(first)
		order("the first is to be retried", second, first)
		second.DueAt = first.DueAt.Add(time.Microsecond)
		b.putMessages(second)
		order("the second is postponed", first, second)
	}},
	{"queue: only queued messages", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		m := b.queuedMessage(inv).BeginAttempt(uuid.UUID{1}, epoch, time.Minute)
		for _, state := range bridge.MessageStates()[1:] {
			for _, claim := range []*bridge.MessageClaim{nil, m.Claim} {
				ended := b.queuedMessage(inv)
				ended.State, ended.Claim = state, claim
				b.putMessages(ended)
			}
		}
		b.same("none yet", []bridge.Message{}, b.queue("crm", 9))
		for what, end := range map[string]func(bridge.Message) bridge.Message{
			"sent": func(m bridge.Message) bridge.Message {
				return m.Finish(finished(bridge.AttemptSent), epoch, time.Time{}, 0)
			},
			"failed": func(m bridge.Message) bridge.Message {
				return m.Finish(finished(bridge.AttemptFailed), epoch, time.Time{}, 0)
			},
			"dropped": func(m bridge.Message) bridge.Message { return m.Drop(epoch) },
		} {
			b.putMessages(m)
			b.same("before it was "+what, []bridge.Message{m}, b.queue("crm", 9))
			ended := end(m)
			b.putMessages(ended)
			b.same(what, []bridge.Message{}, b.queue("crm", 9))
			if again, err := ended.Retry(far); err == nil {
				b.putMessages(again)
				b.same(what+" and retried", []bridge.Message{again}, b.queue("crm", 9))
			}
		}
	}},
	{"queue: only events that this release knows", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		later := []bridge.Message{b.queuedMessage(inv), b.queuedMessage(inv), b.queuedMessage(inv)}
		for i, event := range []bridge.Event{"invitation_reminded", "invitation", bridge.EventInvitationRevoked + "_too"} {
			later[i].Payload.Type = event
		}
		var known []bridge.Message
		for _, event := range bridge.Events() {
			m := b.queuedMessage(inv)
			m.Payload.Type = event
			known = append(known, m)
		}
		b.putMessages(append(later, known...)...)
		b.same("queue", known, b.queue("crm", 99))
		b.same("the first", known[:1], b.queue("crm", 1))
		var due []bridge.Message
		b.update(func(tx bridge.Tx) (err error) {
			due, err = tx.DueMessages("crm", far, 99)
			return err
		})
		b.same("due", known, due)
		b.same("all are kept", len(later)+len(known), len(b.messages(bridge.MessageQuery{State: bridge.MessageQueued, Limit: 99})))
	}},
	{"queue: endpoints match exactly", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		var stored []bridge.Message
		for _, endpoint := range []string{"", "a", "aa", "ab", "A", "a ", "a\x00", "a|", "a\u0080", "a-1", "a-10", "courier", "courier-2", "queued"} {
			for i := range 3 {
				m := b.queuedMessage(inv)
				m.Endpoint = endpoint
				m.DueAt = m.DueAt.Add(time.Duration(i*2%3) * time.Hour)
				stored = append(stored, m)
			}
		}
		b.putMessages(stored...)
		b.sameMessages(stored)
		for _, endpoint := range []string{"b", "aaa", "AA", "a\x01", "%", "courie", "ourier", "a-"} {
			b.same(endpoint, []bridge.Message{}, b.queue(endpoint, 9))
		}
	}},
	{"queue: many at the same time", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		want := map[uuid.UUID]bool{}
		for i := range 50 {
			m := b.queuedMessage(inv)
			m.DueAt = epoch
			if i%2 == 0 {
				m.Claim, m.DueAt = &bridge.MessageClaim{Until: epoch}, far
			}
			b.putMessages(m)
			want[m.ID] = true
		}
		got := map[uuid.UUID]bool{}
		for _, m := range b.queue("crm", 100) {
			got[m.ID] = true
		}
		b.same("ids", want, got)
	}},
	{"queue: processed in batches, one transaction each", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		for range 95 {
			b.putMessages(b.queuedMessage(inv))
		}
		for left := 95; left >= 0; left -= 10 {
			b.update(func(tx bridge.Tx) error {
				list, err := tx.QueuedMessages("crm", 10)
				b.same("batch", min(10, left), len(list))
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

func finished(outcome bridge.AttemptOutcome) bridge.FinishedMessage {
	return bridge.FinishedMessage{Claimed: bridge.ClaimedMessage{Dispatch: bridge.Dispatch{At: epoch}}, Result: bridge.SendResult{Outcome: outcome}}
}
