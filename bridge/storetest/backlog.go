package storetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// backlogOf counts by reading everything, which no store may do.
func backlogOf(invitations []bridge.Invitation, messages []bridge.Message) (want bridge.Backlog) {
	for _, inv := range invitations {
		if inv.State == bridge.StatePending {
			want.Pending++
		}
	}
	var first uuid.UUID
	for _, m := range messages {
		if m.State != bridge.MessageQueued {
			continue
		}
		want.Queued++
		if want.Queued == 1 || m.ID.String() < first.String() {
			first, want.Oldest = m.ID, m.CreatedAt
		}
	}
	return want
}

func (b *fixture) sameBacklog(what string, invitations []bridge.Invitation, messages []bridge.Message) {
	b.Helper()
	b.view(func(tx bridge.Tx) error {
		b.sameBacklogIn(tx, what, invitations, messages)
		return nil
	})
}

func (b *fixture) sameBacklogIn(tx bridge.Tx, what string, invitations []bridge.Invitation, messages []bridge.Message) {
	b.Helper()
	got, err := tx.Backlog()
	b.is(err, nil)
	b.same(what, backlogOf(invitations, messages), got)
}

var errUndo = errors.New("undo")

var backlogTests = []test{
	{"an empty store", func(b *fixture) { b.sameBacklog("backlog", nil, nil) }},
	{"every state, claimed and not", func(b *fixture) {
		owners := b.owners(6)
		for i, state := range bridge.States() {
			owners[i].State = state
		}
		owners[4].Claim = &bridge.Claim{ID: uuid.UUID{1}, Until: owners[4].CreatedAt}
		b.put(owners...)
		b.sameBacklog("invitations", owners, nil)
		stored := b.mixedMessages(owners, 100)
		b.putMessages(stored...)
		b.sameBacklog("both", owners, stored)
	}},
	{"each change of an invitation", func(b *fixture) {
		inv, other := b.invitation(), b.invitation()
		b.put(inv, other)
		for _, change := range []func(){
			func() {},
			func() { inv.ExpiresAt = inv.ExpiresAt.Add(time.Hour) },
			func() { inv.Claim = &bridge.Claim{ID: uuid.UUID{1}, Until: inv.ExpiresAt} },
			func() { inv.Claim = &bridge.Claim{ID: uuid.UUID{2}, Until: inv.ExpiresAt.Add(time.Hour)} },
			func() { inv.Claim = nil },
			func() { inv.State = bridge.StateExpired },
			func() { inv.UpdatedAt = inv.UpdatedAt.Add(time.Hour) },
			func() { inv.State = bridge.StatePending },
			func() { inv.State = bridge.StateAccepted },
		} {
			change()
			b.put(inv)
			b.put(inv)
			b.sameBacklog("backlog", []bridge.Invitation{inv, other}, nil)
		}
	}},
	{"each change of a message", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		m, later := b.queuedMessage(inv), b.queuedMessage(inv)
		b.putMessages(later, m)
		for _, change := range []func(){
			func() {},
			func() { m.DueAt = later.DueAt.Add(time.Hour) },
			func() { m.Claim = &bridge.MessageClaim{ID: uuid.UUID{1}, Until: m.DueAt} },
			func() { m.Endpoint = "else" },
			func() { m.State = bridge.MessageSent },
			func() { m.UpdatedAt = later.UpdatedAt.Add(time.Hour) },
			func() { m.State = bridge.MessageQueued },
			func() { m.Claim = nil },
			func() { m.State = bridge.MessageDropped },
		} {
			change()
			b.putMessages(m)
			b.putMessages(m)
			b.sameBacklog("backlog", []bridge.Invitation{inv}, []bridge.Message{m, later})
		}
	}},
	{"deletion", func(b *fixture) {
		owners := b.owners(4)
		owners[1].Claim = &bridge.Claim{ID: uuid.UUID{1}, Until: owners[1].CreatedAt}
		owners[2].State = bridge.StateRevoked
		b.put(owners...)
		stored := b.mixedMessages(owners, 60)
		b.putMessages(stored...)
		for len(owners) > 0 {
			b.delete(owners[0])
			stored = without(stored, owners[0].ID)
			owners = owners[1:]
			b.sameBacklog("backlog", owners, stored)
		}
	}},
	{"visible in the transaction that writes, and rolled back with it", func(b *fixture) {
		kept := b.invitation()
		b.put(kept)
		first := b.queuedMessage(kept)
		b.putMessages(first)
		inv := b.invitation()
		m := b.queuedMessage(inv)
		err := b.store.Update(context.Background(), func(tx bridge.Tx) error {
			b.is(errors.Join(tx.PutInvitation(inv), tx.PutMessage(m)), nil)
			b.sameBacklogIn(tx, "within", []bridge.Invitation{kept, inv}, []bridge.Message{first, m})
			return errUndo
		})
		b.is(err, errUndo)
		b.sameBacklog("after", []bridge.Invitation{kept}, []bridge.Message{first})
	}},
	{"many writers, some of which fail", func(b *fixture) {
		var all []bridge.Invitation
		var messages []bridge.Message
		var wg sync.WaitGroup
		for i := range 60 {
			inv := b.invitation()
			m := b.queuedMessage(inv)
			wg.Go(func() {
				_ = b.store.Update(context.Background(), func(tx bridge.Tx) error {
					err := errors.Join(tx.PutInvitation(inv), tx.PutMessage(m))
					if i%3 == 0 {
						err = errUndo
					}
					return err
				})
			})
			if i%3 != 0 {
				all, messages = append(all, inv), append(messages, m)
			}
		}
		wg.Wait()
		b.sameBacklog("backlog", all, messages)
	}},
	{"survives a restart", func(b *fixture) {
		owners := b.owners(3)
		stored := b.mixedMessages(owners, 30)
		b.putMessages(stored...)
		b.is(b.store.Close(), nil)
		b.reopen()
		b.sameBacklog("backlog", owners, stored)
		m := b.queuedMessage(owners[0])
		b.putMessages(m)
		b.sameBacklog("one more", owners, append(stored, m))
	}},
}
