package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var historyTests = []test{
	{"all fields set, and only required ones", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		full, plain := b.entry(inv), b.entry(inv)
		full.By, full.RequestID = bridge.BySession(uuid.UUID{1}).Actor(), "request-1"
		b.append(full, plain)
		b.sameHistory(inv.ID, full, plain)
	}},
	{"every action and kind of actor", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		var want []bridge.HistoryEntry
		for _, action := range append(bridge.Actions(), "of a later release") {
			for _, kind := range append(bridge.ActorKinds(), "another") {
				e := b.entry(inv)
				e.Action, e.By.Kind = action, kind
				want = append(want, e)
			}
		}
		b.append(want...)
		b.sameHistory(inv.ID, want...)
	}},
	{"unusual texts", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		var want []bridge.HistoryEntry
		for _, text := range []string{`"quoted" & <b>`, "two\nlines\\", "'; --", "日本語 🙂", "\x00", strings.Repeat("long ", 5000)} {
			e := b.entry(inv)
			e.By.ID, e.RequestID = text, text
			want = append(want, e)
		}
		b.append(want...)
		b.sameHistory(inv.ID, want...)
	}},
	{"texts that are not UTF-8 are refused", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		for i := range 3 {
			e := b.entry(inv)
			*[]*string{(*string)(&e.Action), &e.By.ID, &e.RequestID}[i] = "\xff"
			err := b.store.Update(context.Background(), func(tx bridge.Tx) error { return tx.AppendHistory(e) })
			if err == nil {
				b.Errorf("text %d: no error", i)
			}
		}
		b.sameHistory(inv.ID)
	}},
	{"pages, in any order of insertion", func(b *fixture) {
		one, other := b.invitation(), b.invitation()
		b.put(one, other)
		var want []bridge.HistoryEntry
		for range 10 {
			e := b.entry(one)
			want = append(want, e)
			b.append(b.entry(other))
		}
		for _, i := range []int{4, 0, 9, 2} {
			b.append(want[i])
		}
		b.append(slices.Concat(want[1:2], want[3:4], want[5:9])...)
		var got []bridge.HistoryEntry
		q := bridge.HistoryQuery{InvitationID: one.ID, Limit: 3}
		for page := b.history(q); len(page) > 0; page = b.history(q) {
			got = append(got, page...)
			q.Before = page[len(page)-1].ID
		}
		slices.Reverse(want)
		b.same("pages", want, got)
	}},
	{"an entry is never changed", func(b *fixture) {
		inv, other := b.invitation(), b.invitation()
		b.put(inv, other)
		e := b.entry(inv)
		b.append(e)
		changed := e
		changed.Action, changed.At = bridge.ActionRevoked, e.At.Add(time.Hour)
		next := b.entry(inv)
		b.append(changed, next, next)
		b.sameHistory(inv.ID, e, next)
		moved := e
		moved.InvitationID = other.ID
		b.append(moved)
		b.sameHistory(inv.ID, e, next)
		b.sameHistory(other.ID, moved)
	}},
	{"of an unknown invitation", func(b *fixture) {
		inv, unknown := b.invitation(), b.invitation()
		b.put(inv)
		e := b.entry(inv)
		b.is(b.store.Update(context.Background(), func(tx bridge.Tx) error {
			return tx.AppendHistory(e, b.entry(unknown))
		}), bridge.ErrRowNotFound)
		b.sameHistory(inv.ID)
		b.sameHistory(unknown.ID)
	}},
	{"in the transaction that inserts many invitations", func(b *fixture) {
		list := []bridge.Invitation{b.invitation(), b.invitation(), b.invitation()}
		of := []bridge.HistoryEntry{b.entry(list[2]), b.entry(list[0]), b.entry(list[1])}
		b.update(func(tx bridge.Tx) error {
			_, err := tx.InsertInvitations(list...)
			err = errors.Join(err, tx.AppendHistory(of...))
			got, listErr := tx.ListHistory(bridge.HistoryQuery{InvitationID: list[0].ID, Limit: 9})
			b.same("in the same transaction", []bridge.HistoryEntry{of[1]}, got)
			return errors.Join(err, listErr)
		})
		for i, inv := range []bridge.Invitation{list[2], list[0], list[1]} {
			b.sameHistory(inv.ID, of[i])
		}
	}},
	{"deletion with the invitation, and with no other", func(b *fixture) {
		inv, other := b.invitation(), b.invitation()
		b.put(inv, other)
		e, kept := b.entry(inv), b.entry(other)
		b.append(e, kept, b.entry(inv))
		b.delete(inv)
		b.sameHistory(inv.ID)
		b.sameHistory(other.ID, kept)
		b.put(inv) // an old entry must not reappear with the id
		b.sameHistory(inv.ID)
		b.append(e)
		b.sameHistory(inv.ID, e)
	}},
	{"nothing is kept of an update that fails", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		b.is(b.store.Update(context.Background(), func(tx bridge.Tx) error {
			return errors.Join(tx.AppendHistory(b.entry(inv)), errRule)
		}), errRule)
		b.sameHistory(inv.ID)
	}},
	{"a view must not append", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		b.view(func(tx bridge.Tx) error {
			b.is(tx.AppendHistory(b.entry(inv)), bridge.ErrReadOnly)
			return nil
		})
		b.sameHistory(inv.ID)
	}},
	{"after the store was opened again", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		e := b.entry(inv)
		b.append(e)
		b.is(b.store.Close(), nil)
		b.reopen()
		b.sameHistory(inv.ID, e)
	}},
}

// entry makes the next entry of an invitation, with a higher id than all before it.
func (b *fixture) entry(inv bridge.Invitation) bridge.HistoryEntry {
	b.made++
	at := epoch.Add(time.Duration(b.made) * time.Second)
	return bridge.HistoryEntry{
		ID: idAt(at, b.made), InvitationID: inv.ID, At: at, Action: bridge.ActionInvited, By: bridge.Actor{Kind: bridge.ActorBridge},
	}
}

func (b *fixture) append(entries ...bridge.HistoryEntry) {
	b.Helper()
	b.update(func(tx bridge.Tx) error { return tx.AppendHistory(entries...) })
}

func (b *fixture) history(q bridge.HistoryQuery) (list []bridge.HistoryEntry) {
	b.Helper()
	b.view(func(tx bridge.Tx) (err error) {
		list, err = tx.ListHistory(q)
		return err
	})
	return list
}

// sameHistory checks the whole history of an invitation; want is oldest first.
func (b *fixture) sameHistory(invitation uuid.UUID, want ...bridge.HistoryEntry) {
	b.Helper()
	got := b.history(bridge.HistoryQuery{InvitationID: invitation, Limit: len(want) + 9})
	slices.Reverse(got)
	b.same("history", want, got)
}
