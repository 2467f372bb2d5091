package storetest

import (
	"context"
	"errors"
	"slices"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var importMessageTests = []test{
	{"messages: all fields set", func(b *fixture) {
		i := b.fullImport()
		b.putImports(i)
		for _, state := range bridge.MessageStates() {
			m := b.importMessage(i)
			m.State, m.Tries, m.Claim = state, 2, &bridge.MessageClaim{ID: uuid.UUID{4, 5, 6}, Until: far}
			m.Attempts = []bridge.Attempt{{At: epoch, Took: time.Second, Outcome: bridge.AttemptRetry, Status: 503, Detail: "the receiver is unavailable"}}
			b.putMessages(m)
			b.same(string(state), m, b.message(m.ID))
		}
	}},
	{"messages: queues, lists and the backlog have them", func(b *fixture) {
		i, other, owners := b.newImport(), b.newImport(), b.owners(2)
		b.putImports(i, other)
		stored := append(b.mixedMessages(owners, 24), b.importMessages(i)...)
		stored = append(stored, b.importMessages(other)...)
		b.putMessages(stored...)
		b.sameMessages(stored, i.ID, other.ID)
		b.sameBacklog("backlog", owners, stored)
		for n := range stored {
			if n%3 == 0 {
				stored[n] = stored[n].Drop(far)
				b.putMessages(stored[n])
			}
		}
		b.sameMessages(stored, i.ID, other.ID)
		b.sameBacklog("backlog", owners, stored)
	}},
	{"messages: due ones are claimed and finished", func(b *fixture) {
		i := b.imports(1)[0]
		m := b.importMessage(i)
		b.putMessages(m)
		due := func(now time.Time) (list []bridge.Message) {
			b.update(func(tx bridge.Tx) (err error) {
				list, err = tx.DueMessages(m.Endpoint, now, 9)
				return err
			})
			return list
		}
		b.same("not yet", []bridge.Message{}, due(m.DueAt.Add(-time.Microsecond)))
		b.same("due", []bridge.Message{m}, due(m.DueAt))
		m = m.BeginAttempt(uuid.UUID{1}, m.DueAt, time.Minute)
		b.putMessages(m)
		b.same("claimed", []bridge.Message{}, due(m.DueAt))
		b.same("after the claim", []bridge.Message{m}, due(m.Claim.Until))
		m = m.Finish(finished(bridge.AttemptSent), epoch, time.Time{}, 0)
		b.putMessages(m)
		b.same("sent", []bridge.Message{}, due(far))
		b.sameMessages([]bridge.Message{m}, i.ID)
	}},
	{"messages: none without their import", func(b *fixture) {
		inv, i, none := b.invitation(), b.newImport(), b.newImport()
		b.put(inv)
		b.putImports(i)
		m := b.importMessage(i)
		b.update(func(tx bridge.Tx) error {
			for _, id := range []uuid.UUID{none.ID, inv.ID, uuid.Nil, uuid.Max} {
				stray := m
				stray.ImportID = id
				b.is(tx.PutMessage(stray), bridge.ErrRowNotFound)
			}
			ofInvitation := m
			ofInvitation.ImportID, ofInvitation.InvitationID = uuid.Nil, i.ID
			b.is(tx.PutMessage(ofInvitation), bridge.ErrRowNotFound)
			return tx.PutMessage(m) // the Tx still works
		})
		b.sameMessages([]bridge.Message{m}, i.ID, none.ID, inv.ID)
	}},
	{"messages: in the transaction that puts the import", func(b *fixture) {
		i := b.newImport()
		m := b.importMessage(i)
		b.update(func(tx bridge.Tx) error {
			b.is(tx.PutMessage(m), bridge.ErrRowNotFound)
			err := errors.Join(tx.PutImport(i), tx.PutMessage(m))
			b.sameMessagesIn(tx, []bridge.Message{m}, i.ID)
			return err
		})
		b.sameMessages([]bridge.Message{m}, i.ID)
	}},
	{"messages: deletion of the import removes them, and no others", func(b *fixture) {
		list, owners := b.imports(3), b.owners(2)
		stored := b.mixedMessages(owners, 24)
		for _, i := range list {
			stored = append(stored, b.importMessages(i)...)
		}
		b.putMessages(stored...)
		for _, i := range []int{1, 0, 2} {
			gone := list[i]
			b.deleteImport(gone.ID)
			stored = slices.DeleteFunc(stored, func(m bridge.Message) bool { return m.ImportID == gone.ID })
			b.sameMessages(stored, gone.ID)
			b.sameBacklog("backlog", owners, stored)
			b.putImports(gone) // an old message must not reappear with the id
			b.sameMessages(stored, gone.ID)
		}
		b.delete(owners[0])
		b.sameMessages(without(stored, owners[0].ID), owners[0].ID)
	}},
	{"messages: changes of the import do not affect them", func(b *fixture) {
		i := b.imports(1)[0]
		m := b.importMessage(i)
		b.putMessages(m)
		i.State, i.Rows = bridge.ImportCanceled, 9
		b.putImports(i)
		b.sameMessages([]bridge.Message{m}, i.ID)
	}},
	{"messages: one claim wins, and no update is lost", func(b *fixture) {
		i := b.imports(1)[0]
		claimed, counted := b.importMessage(i), b.importMessage(i)
		b.putMessages(claimed, counted)
		won := b.contend(errRule, func(tx bridge.Tx, n int) error {
			m, err := tx.Message(claimed.ID)
			if err == nil && m.Claim != nil {
				err = errRule
			}
			if err != nil {
				return err
			}
			return tx.PutMessage(m.BeginAttempt(uuid.UUID{1, byte(n)}, epoch, time.Minute))
		})
		b.same("winners", 1, len(won))
		b.same("the winner's claim", true, b.message(claimed.ID).HoldsClaim(uuid.UUID{1, byte(won[0])}))
		for range 3 {
			b.contend(nil, func(tx bridge.Tx, _ int) error {
				m, err := tx.Message(counted.ID)
				m.Tries++
				return errors.Join(err, tx.PutMessage(m))
			})
		}
		b.same("tries", 3*rivals, b.message(counted.ID).Tries)
	}},
	{"messages: they survive a restart", func(b *fixture) {
		list := b.imports(2)
		stored := append(b.importMessages(list[0]), b.importMessages(list[1])...)
		b.putMessages(stored...)
		b.deleteImport(list[1].ID)
		b.restart()
		b.sameMessages(stored[:12], list[1].ID)
	}},
	{"messages: a function that fails writes none", func(b *fixture) {
		list := b.imports(2)
		kept, gone := b.importMessage(list[0]), b.importMessage(list[1])
		b.putMessages(kept, gone)
		err := b.store.Update(context.Background(), func(tx bridge.Tx) error {
			b.is(errors.Join(tx.PutMessage(kept.Drop(far)), tx.PutMessage(b.importMessage(list[0])), tx.DeleteImport(list[1].ID)), nil)
			return errRule
		})
		b.is(err, errRule)
		b.sameMessages([]bridge.Message{kept, gone}, list[0].ID)
		b.sameBacklog("backlog", nil, []bridge.Message{kept, gone})
	}},
}

// importMessage makes the next message about an import.
func (b *fixture) importMessage(i bridge.Import) bridge.Message {
	m := b.queuedMessage(bridge.Invitation{})
	m.ImportID = i.ID
	at := m.CreatedAt
	m.Payload = bridge.Payload{Type: bridge.EventImportFinished, Timestamp: at, Data: bridge.PayloadData{Import: &bridge.ImportView{
		ID: i.ID, State: bridge.ImportFinished, DryRun: true, CreatedBy: bridge.ByKey("school"), CreatedAt: i.CreatedAt, UpdatedAt: at, StartAt: at.Add(-time.Hour),
		FinishedAt: at, Rows: 1000, Waiting: 1, Counts: bridge.ImportCounts{Invited: 7, Failed: 2}, RowsPerSecond: 1234.5678,
		WaitingFor: bridge.DependencyHook, WaveSize: 500, WaveEvery: "24h0m0s", WaveRunning: true, NextWaveAt: far, Reinvite: []bridge.State{bridge.StateExpired},
	}}}
	return m
}

// importMessages makes 12 messages about an import, in every state, claimed and not.
func (b *fixture) importMessages(i bridge.Import) []bridge.Message {
	list := b.mixedMessages([]bridge.Invitation{{}}, 12)
	for n := range list {
		about := b.importMessage(i)
		list[n].ImportID, list[n].Payload = i.ID, about.Payload
		list[n].DueAt = about.DueAt // no two are the same
		if list[n].Claim != nil {
			list[n].Claim.Until = about.DueAt
		}
	}
	return list
}
