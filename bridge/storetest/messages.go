package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

var messageTests = slices.Concat(messageValueTests, messageDeletionTests, queueTests, messageListTests, messageTxTests)

var messageValueTests = []test{
	{"all fields set", func(b *fixture) {
		inv := b.fullInvitation()
		b.put(inv)
		for _, state := range bridge.MessageStates() {
			m := b.fullMessage(inv)
			m.State = state
			b.putMessages(m)
			b.same(string(state), m, b.message(m.ID))
		}
	}},
	{"every event", func(b *fixture) {
		inv := b.fullInvitation()
		b.put(inv)
		for _, event := range bridge.Events() {
			m := b.fullMessage(inv)
			m.Payload.Type = event
			b.putMessages(m)
			b.same(string(event), m, b.message(m.ID))
		}
	}},
	{"many attempts, in order", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		m := b.queuedMessage(inv)
		for i := range 60 {
			outcomes := []bridge.AttemptOutcome{bridge.AttemptSent, bridge.AttemptRetry, bridge.AttemptFailed, bridge.AttemptDisabled}
			m.Attempts = append(m.Attempts, bridge.Attempt{
				At: epoch.Add(time.Duration(i) * time.Minute), Took: time.Duration(i) * time.Millisecond, Outcome: outcomes[i%4], Status: i, Detail: fmt.Sprint(i),
			})
			b.putMessages(m)
		}
		b.same("message", m, b.message(m.ID))
	}},
	{"only required fields set", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		m := b.queuedMessage(inv)
		b.putMessages(m)
		b.same("message", m, b.message(m.ID))
	}},
	{"empty fields stay empty", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		m := bridge.Message{ID: b.queuedMessage(inv).ID, InvitationID: inv.ID, State: bridge.MessageSent}
		b.putMessages(m)
		b.same("message", m, b.message(m.ID))
	}},
	{"unusual texts", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		for _, text := range []string{
			`"quoted" & <b>`, "two\nlines\tand\\", "%_*?", " spaces ", "naïve 日本語 🙂", "\u2028\u202e", "null", "{}", strings.Repeat("long ", 20_000),
		} {
			m := b.fullMessage(inv)
			m.Endpoint, m.Payload.Data.Message.Detail, m.Payload.Data.Invitation.InviterName, m.Attempts[0].Detail = text, text, text, text
			b.putMessages(m)
			b.same(text, m, b.message(m.ID))
			b.same(text+" queued", []bridge.Message{m}, b.queue(text, 2))
		}
	}},
	{"times come back in UTC, to the microsecond", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		m, at := b.fullMessage(inv), time.Date(2999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
		m.DueAt, m.Claim.Until, m.Attempts[1].At, m.Payload.Timestamp = at, at, at, at
		b.putMessages(m)
		got := b.message(m.ID)
		for what, got := range map[string]time.Time{
			"DueAt": got.DueAt, "Until": got.Claim.Until, "At": got.Attempts[1].At, "Timestamp": got.Payload.Timestamp,
		} {
			if got != at { // compares the location too
				b.Errorf("%s: got %#v, want %#v", what, got, at)
			}
		}
	}},
	{"a put replaces everything, in every index", func(b *fixture) {
		former, inv := b.fullInvitation(), b.invitation()
		b.put(former, inv)
		m := b.fullMessage(former)
		b.putMessages(m)
		plain := b.queuedMessage(inv)
		plain.ID, plain.Endpoint = m.ID, "chat"
		b.putMessages(plain)
		b.same("message", plain, b.message(m.ID))
		b.sameMessages([]bridge.Message{plain}, former.ID)
		b.same("the former endpoint", []bridge.Message{}, b.queue(m.Endpoint, 9))
		b.putMessages(m)
		b.sameMessages([]bridge.Message{m}, inv.ID)
		b.same("the endpoint between the two", []bridge.Message{}, b.queue(plain.Endpoint, 9))
	}},
	{"a put that changes one field", func(b *fixture) {
		inv, other := b.invitation(), b.invitation()
		b.put(inv, other)
		m, neighbor := b.fullMessage(inv), b.queuedMessage(inv)
		b.putMessages(m, neighbor)
		about := b.imports(1)[0]
		for _, change := range []func(){
			func() { m.State = bridge.MessageFailed },
			func() { m.State = bridge.MessageQueued },
			func() { m.Endpoint = neighbor.Endpoint },
			func() { m.InvitationID = other.ID },
			func() { m.InvitationID, m.ImportID = uuid.Nil, about.ID },
			func() { m.InvitationID, m.ImportID = inv.ID, uuid.Nil },
			func() { m.Claim = &bridge.MessageClaim{ID: m.Claim.ID, Until: neighbor.DueAt.Add(-time.Microsecond)} },
			func() { m.Claim = nil },
			func() { m.DueAt = neighbor.DueAt.Add(-time.Microsecond) },
			func() { m.Attempts = m.Attempts[:1:1] },
			func() { m.Payload.Data.Link = "https://else.example.com" },
			func() { m.State = bridge.MessageSent },
		} {
			change()
			b.putMessages(m)
			b.sameMessages([]bridge.Message{m, neighbor}, inv.ID, other.ID, about.ID)
		}
	}},
	{"the same put twice", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		m := b.fullMessage(inv)
		b.putMessages(m, m)
		b.putMessages(m)
		b.sameMessages([]bridge.Message{m})
	}},
	{"what is returned is a copy", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		m := b.fullMessage(inv)
		b.putMessages(m)
		want := b.message(m.ID)
		b.update(func(tx bridge.Tx) error {
			one, err := tx.Message(m.ID)
			queue, queueErr := tx.QueuedMessages(m.Endpoint, 1)
			list, listErr := tx.ListMessages(bridge.MessageQuery{Limit: 1})
			if err := errors.Join(err, queueErr, listErr); err != nil {
				return err
			}
			for _, got := range []bridge.Message{one, queue[0], list[0]} {
				got.Claim.ID, got.Attempts[0].Detail, got.Payload.Data.Message.Detail = uuid.Max, "else", "else"
			}
			again, err := tx.Message(m.ID)
			b.same("in the same transaction", want, again)
			return err
		})
		b.sameMessages([]bridge.Message{want})
	}},
	{"what was put is a copy", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		want := b.fullMessage(inv)
		b.update(func(tx bridge.Tx) error {
			m := want
			claim, failed := *want.Claim, *want.Payload.Data.Message
			m.Claim, m.Attempts, m.Payload.Data.Message = &claim, slices.Clone(want.Attempts), &failed
			err := tx.PutMessage(m)
			claim.Until, m.Attempts[0].Detail, failed.Detail = far, "else", "else"
			return err
		})
		b.sameMessages([]bridge.Message{want})
	}},
	{"unknown ids", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		b.putMessages(b.queuedMessage(inv))
		b.view(func(tx bridge.Tx) error {
			for _, id := range []uuid.UUID{{}, uuid.Max, inv.ID, b.queuedMessage(inv).ID} {
				_, err := tx.Message(id)
				b.is(err, bridge.ErrRowNotFound)
			}
			return nil
		})
	}},
	{"no message without an invitation", func(b *fixture) {
		inv, none := b.invitation(), b.invitation()
		b.put(inv)
		m, moved := b.queuedMessage(none), b.fullMessage(inv)
		b.putMessages(moved)
		late := b.queuedMessage(inv)
		b.update(func(tx bridge.Tx) error {
			b.is(tx.PutMessage(m), bridge.ErrRowNotFound)
			nameless := m
			nameless.InvitationID = uuid.Nil
			b.is(tx.PutMessage(nameless), bridge.ErrRowNotFound)
			stray := moved
			stray.InvitationID, stray.State, stray.Endpoint = none.ID, bridge.MessageSent, "else"
			b.is(tx.PutMessage(stray), bridge.ErrRowNotFound)
			b.sameMessagesIn(tx, []bridge.Message{moved}, none.ID)
			return tx.PutMessage(late) // the Tx still works
		})
		b.sameMessages([]bridge.Message{moved, late}, none.ID)
		b.put(none)
		b.sameMessages([]bridge.Message{moved, late}, none.ID)
	}},
	{"in the transaction that puts the invitation", func(b *fixture) {
		inv := b.invitation()
		m := b.fullMessage(inv)
		b.update(func(tx bridge.Tx) error {
			b.is(tx.PutMessage(m), bridge.ErrRowNotFound)
			err := errors.Join(tx.PutInvitation(inv), tx.PutMessage(m))
			b.sameMessagesIn(tx, []bridge.Message{m})
			return err
		})
		b.sameMessages([]bridge.Message{m})
	}},
	{"changes of the invitation do not affect them", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		m := b.fullMessage(inv)
		b.putMessages(m)
		inv.State, inv.Email = bridge.StateRevoked, "changed@example.com"
		b.put(inv)
		b.sameMessages([]bridge.Message{m})
	}},
	{"the id of an invitation is not the id of a message", func(b *fixture) {
		inv, other := b.invitation(), b.invitation()
		b.put(inv, other)
		own, crossed := b.queuedMessage(inv), b.queuedMessage(inv)
		own.ID, crossed.ID = inv.ID, other.ID
		b.putMessages(own, crossed)
		b.delete(other)
		b.sameMessages([]bridge.Message{own, crossed}, other.ID)
		b.same("invitation", inv, b.get(inv.ID))
	}},
}
