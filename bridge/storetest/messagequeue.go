package storetest

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
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
