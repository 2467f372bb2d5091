package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var messageTxTests = []test{
	{"a function that fails writes nothing", func(b *fixture) {
		b.leavesNoMessage(func(fn func(bridge.Tx) error) {
			b.is(b.store.Update(context.Background(), func(tx bridge.Tx) error { return errors.Join(fn(tx), errRule) }), errRule)
		})
	}},
	{"a function that panics writes nothing", func(b *fixture) {
		b.leavesNoMessage(func(fn func(bridge.Tx) error) {
			reason := recovered(func() {
				_ = b.store.Update(context.Background(), func(tx bridge.Tx) error {
					b.is(fn(tx), nil)
					panic(errRule)
				})
			})
			if !same(reason, errRule) {
				b.Errorf("the caller recovered %v, want the function's own panic", reason)
			}
		})
	}},
	{"failures among other updates", func(b *fixture) {
		owners := b.owners(2)
		old := b.fullMessage(owners[0])
		b.putMessages(old)
		list := make([]bridge.Message, rivals)
		for i := range list {
			list[i] = b.queuedMessage(owners[1])
		}
		won := b.contend(errRule, func(tx bridge.Tx, i int) error {
			if err := tx.PutMessage(list[i]); err != nil {
				return err
			}
			if i%2 == 1 {
				// Others must not see what is rolled back.
				return errors.Join(tx.DeleteInvitation(owners[0].ID), errRule)
			}
			_, err := tx.Message(old.ID)
			return err
		})
		want := []bridge.Message{old}
		for _, i := range won {
			want = append(want, list[i])
		}
		b.same("updates", rivals/2, len(won))
		b.sameMessages(want)
	}},
	{"a view sees one snapshot", func(b *fixture) {
		owners := b.owners(3)
		stored := b.mixedMessages(owners, 30)
		b.putMessages(stored...)
		late := b.queuedMessage(owners[0])
		b.view(func(tx bridge.Tx) error {
			b.sameMessagesIn(tx, stored)
			b.inBackground(func() {
				changed := stored[3]
				changed.State, changed.Endpoint = bridge.MessageDropped, "else"
				b.putMessages(changed, late)
				b.delete(owners[1])
			})
			b.sameMessagesIn(tx, stored)
			return nil
		})
		stored[3].State, stored[3].Endpoint = bridge.MessageDropped, "else"
		b.sameMessages(append(without(stored, owners[1].ID), late), owners[1].ID)
	}},
	{"a view must not write", func(b *fixture) {
		owners := b.owners(1)
		m, fresh := b.queuedMessage(owners[0]), b.queuedMessage(owners[0])
		b.putMessages(m)
		b.view(func(tx bridge.Tx) error {
			for what, put := range map[string]bridge.Message{"same": m, "change": m.Drop(epoch), "new": fresh} {
				if err := tx.PutMessage(put); !errors.Is(err, bridge.ErrReadOnly) {
					b.Errorf("%s: %v", what, err)
				}
			}
			b.sameMessagesIn(tx, []bridge.Message{m}) // the Tx still reads
			return nil
		})
		b.sameMessages([]bridge.Message{m})
	}},
	{"one claim per message wins", func(b *fixture) {
		owners := b.owners(1)
		m := b.queuedMessage(owners[0])
		b.putMessages(m)
		won := b.contend(errRule, func(tx bridge.Tx, i int) error {
			list, err := tx.QueuedMessages("crm", 1)
			if err != nil || len(list) != 1 {
				return errors.Join(err, fmt.Errorf("got %d messages, want 1", len(list)))
			}
			if list[0].NextAttemptAt().After(m.DueAt) {
				return errRule
			}
			return tx.PutMessage(list[0].BeginAttempt(uuid.UUID{1, byte(i)}, m.DueAt, time.Minute))
		})
		b.same("winners", 1, len(won))
		b.sameMessages([]bridge.Message{m.BeginAttempt(uuid.UUID{1, byte(won[0])}, m.DueAt, time.Minute)})
	}},
	{"one claim wins each message, and none is lost", func(b *fixture) {
		// Half of the goroutines store a few messages each; the others claim what
		// is queued, after a first claim that fails.
		const batch = 2
		owners := b.owners(rivals / 2)
		stored, other := map[uuid.UUID]bridge.Message{}, b.queuedMessage(owners[0])
		other.Endpoint = "chat"
		b.putMessages(other)
		now := epoch.Add(24 * time.Hour)
		claim := func(worker int, fail error) (claimed []bridge.Message) {
			b.is(b.store.Update(context.Background(), func(tx bridge.Tx) error {
				claimed = nil
				list, err := tx.QueuedMessages("crm", batch)
				if err != nil {
					return err
				}
				for _, m := range list {
					if m.NextAttemptAt().After(now) {
						break
					}
					m = m.BeginAttempt(uuid.UUID{1, byte(worker)}, now, time.Hour)
					if err := tx.PutMessage(m); err != nil {
						return err
					}
					claimed = append(claimed, m)
				}
				return fail
			}), fail)
			return claimed
		}

		var putters, workers sync.WaitGroup
		start, complete := make(chan struct{}), make(chan struct{})
		for _, inv := range owners {
			list := []bridge.Message{b.queuedMessage(inv), b.queuedMessage(inv), b.queuedMessage(inv)}
			for _, m := range list {
				stored[m.ID] = m
			}
			putters.Go(func() {
				<-start
				for _, m := range list {
					b.is(b.store.Update(context.Background(), putAllMessages(m)), nil)
				}
			})
		}
		claimed := make([][]bridge.Message, rivals/2)
		for worker := range claimed {
			workers.Go(func() {
				<-start
				claim(worker, errRule)
				for ended := false; ; {
					got := claim(worker, nil)
					claimed[worker] = append(claimed[worker], got...)
					// More claims than messages mean duplicates, and an endless loop.
					if len(got) == 0 && ended || len(claimed[worker]) > len(stored) {
						return
					}
					select {
					case <-complete:
						ended = true
					case <-time.After(time.Millisecond):
					}
				}
			})
		}
		close(start)
		putters.Wait()
		close(complete)
		workers.Wait()

		winner, want := map[uuid.UUID]int{}, []bridge.Message{}
		for worker, list := range claimed {
			for _, m := range list {
				if first, twice := winner[m.ID]; twice {
					b.Errorf("%s was claimed by %d and by %d", m.ID, first, worker)
				}
				winner[m.ID] = worker
				want = append(want, stored[m.ID].BeginAttempt(uuid.UUID{1, byte(worker)}, now, time.Hour))
			}
		}
		b.same("claimed", len(stored), len(want))
		for _, m := range want {
			b.same("claimed", m, b.message(m.ID))
		}
		b.same("queued", len(stored), len(b.queue("crm", 1000)))
		b.same("of the other endpoint", []bridge.Message{other}, b.queue("chat", 9))
	}},
	{"everything survives a restart", func(b *fixture) {
		owners := b.owners(4)
		stored := append(b.mixedMessages(owners, 60), b.fullMessage(owners[0]))
		b.putMessages(stored...)
		b.restart()
		b.sameMessages(stored)
		stored[0] = stored[0].Drop(far)
		b.putMessages(stored[0])
		b.delete(owners[1])
		stored = without(stored, owners[1].ID)
		for range 2 {
			b.restart()
			b.sameMessages(stored, owners[1].ID)
		}
	}},
}

// leavesNoMessage passes fail a function with all kinds of writes, and checks that
// nothing has changed and that the store still works.
func (b *fixture) leavesNoMessage(fail func(func(bridge.Tx) error)) {
	b.Helper()
	owners := b.owners(2)
	fresh := b.invitation()
	kept, gone, last := b.fullMessage(owners[0]), b.fullMessage(owners[1]), b.queuedMessage(owners[1])
	b.putMessages(kept, gone)
	fail(func(tx bridge.Tx) error {
		changed := kept
		changed.State, changed.Endpoint, changed.InvitationID = bridge.MessageSent, "else", owners[1].ID
		return errors.Join(
			tx.PutMessage(changed),
			tx.PutMessage(b.queuedMessage(owners[0])),
			tx.PutInvitation(fresh),
			tx.PutMessage(b.queuedMessage(fresh)),
			tx.DeleteInvitation(owners[1].ID),
		)
	})
	b.sameMessages([]bridge.Message{kept, gone}, fresh.ID)
	b.putMessages(last)
	b.sameMessages([]bridge.Message{kept, gone, last}, fresh.ID)
}
