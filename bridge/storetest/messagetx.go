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
	{"a function that fails leaves nothing", func(b *bench) {
		b.leavesNoMessage(func(fn func(bridge.Tx) error) {
			b.is(b.store.Update(context.Background(), func(tx bridge.Tx) error { return errors.Join(fn(tx), errRule) }), errRule)
		})
	}},
	{"a function that panics leaves nothing", func(b *bench) {
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
	{"failures amid others", func(b *bench) {
		owners := b.owners(2)
		old := b.fullMessage(owners[0])
		b.post(old)
		list := make([]bridge.Message, rivals)
		for i := range list {
			list[i] = b.queued(owners[1])
		}
		won := b.rivalry(errRule, func(tx bridge.Tx, i int) error {
			if err := tx.PutMessage(list[i]); err != nil {
				return err
			}
			if i%2 == 1 {
				// What is undone must not be what others see.
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
	{"a view sees one moment", func(b *bench) {
		owners := b.owners(3)
		world := b.outbox(owners, 30)
		b.post(world...)
		late := b.queued(owners[0])
		b.view(func(tx bridge.Tx) error {
			b.sameMessagesIn(tx, world)
			b.inBackground(func() {
				changed := world[3]
				changed.State, changed.Endpoint = bridge.MessageDropped, "else"
				b.post(changed, late)
				b.delete(owners[1])
			})
			b.sameMessagesIn(tx, world)
			return nil
		})
		world[3].State, world[3].Endpoint = bridge.MessageDropped, "else"
		b.sameMessages(append(without(world, owners[1].ID), late), owners[1].ID)
	}},
	{"a view must not write", func(b *bench) {
		owners := b.owners(1)
		m, fresh := b.queued(owners[0]), b.queued(owners[0])
		b.post(m)
		b.view(func(tx bridge.Tx) error {
			for what, put := range map[string]bridge.Message{"same": m, "change": m.Drop(epoch), "new": fresh} {
				if tx.PutMessage(put) == nil {
					b.Errorf("%s: no error", what)
				}
			}
			b.sameMessagesIn(tx, []bridge.Message{m}) // the Tx still reads
			return nil
		})
		b.sameMessages([]bridge.Message{m})
	}},
	{"one claim of a message wins", func(b *bench) {
		owners := b.owners(1)
		m := b.queued(owners[0])
		b.post(m)
		won := b.rivalry(errRule, func(tx bridge.Tx, i int) error {
			list, err := tx.QueuedMessages("crm", 1)
			if err != nil || len(list) != 1 {
				return errors.Join(err, fmt.Errorf("%d are queued", len(list)))
			}
			if list[0].Next().After(m.DueAt) {
				return errRule
			}
			return tx.PutMessage(list[0].Begin(uuid.UUID{1, byte(i)}, m.DueAt, time.Minute))
		})
		b.same("winners", 1, len(won))
		b.sameMessages([]bridge.Message{m.Begin(uuid.UUID{1, byte(won[0])}, m.DueAt, time.Minute)})
	}},
	{"one claim wins each message, and none is lost", func(b *bench) {
		// Half of the rivals put, a few messages each; the others claim what is
		// there, and begin with a claim that fails.
		const portion = 2
		owners := b.owners(rivals / 2)
		world, other := map[uuid.UUID]bridge.Message{}, b.queued(owners[0])
		other.Endpoint = "chat"
		b.post(other)
		now := epoch.Add(24 * time.Hour)
		claim := func(worker int, fail error) (claimed []bridge.Message) {
			b.is(b.store.Update(context.Background(), func(tx bridge.Tx) error {
				claimed = nil
				list, err := tx.QueuedMessages("crm", portion)
				if err != nil {
					return err
				}
				for _, m := range list {
					if m.Next().After(now) {
						break
					}
					m = m.Begin(uuid.UUID{1, byte(worker)}, now, time.Hour)
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
			list := []bridge.Message{b.queued(inv), b.queued(inv), b.queued(inv)}
			for _, m := range list {
				world[m.ID] = m
			}
			putters.Go(func() {
				<-start
				for _, m := range list {
					b.is(b.store.Update(context.Background(), postAll(m)), nil)
				}
			})
		}
		claimed := make([][]bridge.Message, rivals/2)
		for worker := range claimed {
			workers.Go(func() {
				<-start
				claim(worker, errRule)
				for over := false; ; {
					got := claim(worker, nil)
					claimed[worker] = append(claimed[worker], got...)
					if len(got) == 0 && over || len(claimed[worker]) > len(world) { // some of them twice, and it would never end
						return
					}
					select {
					case <-complete:
						over = true
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
				want = append(want, world[m.ID].Begin(uuid.UUID{1, byte(worker)}, now, time.Hour))
			}
		}
		b.same("claimed", len(world), len(want))
		for _, m := range want {
			b.same("claimed", m, b.message(m.ID))
		}
		b.same("queued", len(world), len(b.queue("crm", 1000)))
		b.same("of the other endpoint", []bridge.Message{other}, b.queue("chat", 9))
	}},
	{"they survive", func(b *bench) {
		owners := b.owners(4)
		world := append(b.outbox(owners, 60), b.fullMessage(owners[0]))
		b.post(world...)
		b.restart()
		b.sameMessages(world)
		world[0] = world[0].Drop(far)
		b.post(world[0])
		b.delete(owners[1])
		world = without(world, owners[1].ID)
		for range 2 {
			b.restart()
			b.sameMessages(world, owners[1].ID)
		}
	}},
}

// leavesNoMessage has a function of all kinds of writes fail in some way, and
// checks that all is as before and that the store goes on.
func (b *bench) leavesNoMessage(fail func(func(bridge.Tx) error)) {
	b.Helper()
	owners := b.owners(2)
	fresh := b.invitation()
	kept, gone, last := b.fullMessage(owners[0]), b.fullMessage(owners[1]), b.queued(owners[1])
	b.post(kept, gone)
	fail(func(tx bridge.Tx) error {
		changed := kept
		changed.State, changed.Endpoint, changed.InvitationID = bridge.MessageSent, "else", owners[1].ID
		return errors.Join(
			tx.PutMessage(changed),
			tx.PutMessage(b.queued(owners[0])),
			tx.PutInvitation(fresh),
			tx.PutMessage(b.queued(fresh)),
			tx.DeleteInvitation(owners[1].ID),
		)
	})
	b.sameMessages([]bridge.Message{kept, gone}, fresh.ID)
	b.post(last)
	b.sameMessages([]bridge.Message{kept, gone, last}, fresh.ID)
}
