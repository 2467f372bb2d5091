package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// lease returns a lease on a name, for a minute from epoch.
func lease(name string, holder byte) bridge.Lease {
	return bridge.Lease{Name: bridge.NewLeaseName("email", name), Holder: uuid.UUID{15: holder}, Until: epoch.Add(time.Minute)}
}

func (b *fixture) take(l bridge.Lease, now time.Time, want error) {
	b.Helper()
	b.is(b.store.TakeLease(context.Background(), l, now), want)
}

func (b *fixture) drop(l bridge.Lease) {
	b.Helper()
	b.is(b.store.DropLease(context.Background(), l), nil)
}

// lost checks that updates with a lease fail and write nothing.
func (b *fixture) lost(l bridge.Lease, now time.Time) {
	b.Helper()
	inv := b.invitation()
	write := func(require func(bridge.Tx) error) func(bridge.Tx) error {
		return func(tx bridge.Tx) error { return errors.Join(tx.InsertInvitation(inv), require(tx)) }
	}
	check := func(tx bridge.Tx) error { return tx.CheckLease(l, now) }
	end := func(tx bridge.Tx) error { return tx.EndLease(l) }
	for _, fn := range []func(bridge.Tx) error{write(check), write(end), check, end} {
		b.is(b.store.Update(context.Background(), fn), bridge.ErrLeaseLost)
	}
	b.missing(inv)
}

var leaseTests = []test{
	{"one holder until it lapses", func(b *fixture) {
		mine, other := lease("ada", 1), lease("ada", 2)
		b.take(mine, epoch, nil)
		b.take(other, epoch, bridge.ErrLeaseHeld)
		b.take(lease("ben", 2), epoch, nil) // another name
		b.take(other, mine.Until.Add(-time.Microsecond), bridge.ErrLeaseHeld)
		b.update(func(tx bridge.Tx) error { return tx.CheckLease(mine, mine.Until.Add(-time.Microsecond)) })
		b.is(b.store.Update(context.Background(), func(tx bridge.Tx) error { return tx.CheckLease(mine, mine.Until) }), bridge.ErrLeaseLost)
		other.Until = mine.Until.Add(time.Minute)
		b.take(other, mine.Until, nil)
		b.lost(mine, epoch)
		b.take(mine, mine.Until, bridge.ErrLeaseHeld)
	}},
	{"the holder prolongs it", func(b *fixture) {
		mine := lease("ada", 1)
		b.take(mine, epoch, nil)
		longer := mine
		longer.Until = mine.Until.Add(time.Minute)
		b.take(longer, epoch, nil)
		b.take(lease("ada", 2), mine.Until, bridge.ErrLeaseHeld)
		b.update(func(tx bridge.Tx) error { return tx.CheckLease(mine, mine.Until) })
	}},
	{"dropped", func(b *fixture) {
		mine, other := lease("ada", 1), lease("ada", 2)
		b.drop(mine) // no one has it
		b.take(mine, epoch, nil)
		b.drop(other) // it is not the other's
		b.take(other, epoch, bridge.ErrLeaseHeld)
		b.drop(mine)
		b.lost(mine, epoch)
		b.take(other, epoch, nil)
	}},
	{"ended by an update", func(b *fixture) {
		mine, other, inv := lease("ada", 1), lease("ada", 2), b.invitation()
		b.take(mine, epoch, nil)
		failure := errors.New("failure")
		b.is(b.store.Update(context.Background(), func(tx bridge.Tx) error {
			return errors.Join(tx.EndLease(mine), failure)
		}), failure)
		b.take(other, epoch, bridge.ErrLeaseHeld) // that update had no effect
		b.update(func(tx bridge.Tx) error { return errors.Join(tx.InsertInvitation(inv), tx.EndLease(mine)) })
		b.same("stored", inv, b.get(inv.ID))
		b.lost(mine, epoch)
		b.take(other, epoch, nil)
		b.update(func(tx bridge.Tx) error { return tx.EndLease(other) })
		b.take(mine, epoch, nil)
	}},
	{"one that lapsed and was not taken can be ended", func(b *fixture) {
		mine := lease("ada", 1)
		b.take(mine, epoch, nil)
		mine.Until = epoch
		b.update(func(tx bridge.Tx) error { return tx.EndLease(mine) })
		b.lost(mine, epoch)
	}},
	{"a view has none", func(b *fixture) {
		mine := lease("ada", 1)
		b.take(mine, epoch, nil)
		for _, fn := range []func(bridge.Tx) error{
			func(tx bridge.Tx) error { return tx.CheckLease(mine, epoch) },
			func(tx bridge.Tx) error { return tx.EndLease(mine) },
		} {
			b.is(b.store.View(context.Background(), fn), bridge.ErrReadOnly)
		}
		b.take(lease("ada", 2), epoch, bridge.ErrLeaseHeld)
	}},
	{"a context that is done", func(b *fixture) {
		canceled, cancel := context.WithCancel(context.Background())
		cancel()
		b.is(b.store.TakeLease(canceled, lease("ada", 1), epoch), context.Canceled)
		b.take(lease("ada", 2), epoch, nil)
	}},
	{"one of many gets it", func(b *fixture) {
		for round := range 5 {
			name := string(rune('a' + round))
			var mu sync.Mutex
			var won []byte
			var all sync.WaitGroup
			for i := range byte(rivals) {
				all.Go(func() {
					err := b.store.TakeLease(context.Background(), lease(name, i+1), epoch)
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						won = append(won, i+1)
					} else {
						b.is(err, bridge.ErrLeaseHeld)
					}
				})
			}
			all.Wait()
			if len(won) != 1 {
				b.Fatalf("%d have the lease", len(won))
			}
			b.update(func(tx bridge.Tx) error { return tx.CheckLease(lease(name, won[0]), epoch) })
		}
	}},
}

var claimTests = []test{
	{"only what is due, the earliest first", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		var want []bridge.Message
		for i := range 9 {
			m := b.queuedMessage(inv)
			m.DueAt = epoch.Add(time.Duration(9-i) * time.Minute)
			b.putMessages(m)
			want = append([]bridge.Message{m}, want...)
		}
		other := b.queuedMessage(inv)
		other.Endpoint, other.DueAt = "chat", epoch
		sent := b.queuedMessage(inv)
		sent.State, sent.DueAt = bridge.MessageSent, epoch
		b.putMessages(other, sent)
		for _, in := range []func(func(bridge.Tx) error){b.update, b.view} {
			for n := range 11 {
				for _, limit := range []int{1, 4, 100} {
					in(func(tx bridge.Tx) error {
						due, err := tx.DueMessages("crm", epoch.Add(time.Duration(n)*time.Minute), limit)
						b.same("due", want[:min(n, limit, 9)], due)
						return err
					})
				}
			}
		}
	}},
	{"each message is claimed once", func(b *fixture) {
		const invitations, each, workers = 20, 6, 8
		var stored int
		for _, inv := range b.owners(invitations) {
			for range each {
				b.putMessages(b.queuedMessage(inv))
				stored++
			}
		}
		now := epoch.Add(time.Hour)
		var mu sync.Mutex
		claims := map[uuid.UUID]int{}
		var all sync.WaitGroup
		for w := range byte(workers) {
			all.Go(func() {
				for left := true; left; {
					var mine []uuid.UUID
					err := b.store.Update(context.Background(), func(tx bridge.Tx) error {
						mine = nil
						due, err := tx.DueMessages("crm", now, 5)
						for _, m := range due {
							mine = append(mine, m.ID)
							err = errors.Join(err, tx.PutMessage(m.BeginAttempt(uuid.UUID{w}, now, time.Hour)))
						}
						return err
					})
					b.is(err, nil)
					mu.Lock()
					for _, id := range mine {
						claims[id]++
					}
					mu.Unlock()
					// None may be due because others are claiming all that is.
					left = err == nil && len(b.queue("crm", 1)) > 0 && !b.queue("crm", 1)[0].NextAttemptAt().After(now)
				}
			})
		}
		all.Wait()
		for id, n := range claims {
			if n != 1 {
				b.Errorf("%s was claimed %d times", id, n)
			}
		}
		b.same("claimed", stored, len(claims))
	}},
	{"many rows at once", func(b *fixture) {
		owners := b.owners(5)
		var messages []bridge.Message
		for _, inv := range owners {
			messages = append(messages, b.fullMessage(inv), b.queuedMessage(inv))
		}
		b.putMessages(messages...)
		byID := func(x, y bridge.Message) int { return slices.Compare(x.ID[:], y.ID[:]) }
		slices.SortFunc(messages, byID)
		var ids, owned []uuid.UUID
		for _, m := range messages {
			ids = append([]uuid.UUID{m.ID}, ids...)
		}
		for _, inv := range owners {
			owned = append([]uuid.UUID{inv.ID}, owned...)
		}
		for _, in := range []func(func(bridge.Tx) error){b.update, b.view} {
			in(func(tx bridge.Tx) error {
				got, err := tx.Messages(append(ids, uuid.UUID{1})...)
				b.is(err, nil)
				slices.SortFunc(got, byID)
				b.same("messages", messages, got)
				invitations, err := tx.Invitations(append(owned, uuid.UUID{1})...)
				b.is(err, nil)
				slices.SortFunc(invitations, func(x, y bridge.Invitation) int { return slices.Compare(x.ID[:], y.ID[:]) })
				b.same("invitations", owners, invitations)
				for _, m := range messages {
					again, err := tx.Message(m.ID)
					b.is(err, nil)
					b.same("message", m, again)
				}
				none, err := tx.Messages(uuid.UUID{1})
				b.same("no message", 0, len(none))
				b.is(err, nil)
				nobody, err := tx.Invitations()
				b.same("no invitation", 0, len(nobody))
				return err
			})
		}
	}},
}
