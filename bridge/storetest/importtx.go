package storetest

import (
	"context"
	"errors"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var importTxTests = []test{
	{"a function that fails writes nothing", func(b *fixture) {
		b.leavesNoImport(func(fn func(bridge.Tx) error) {
			b.is(b.store.Update(context.Background(), func(tx bridge.Tx) error { return errors.Join(fn(tx), errRule) }), errRule)
		})
	}},
	{"a function that panics writes nothing", func(b *fixture) {
		b.leavesNoImport(func(fn func(bridge.Tx) error) {
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
	{"a view sees one snapshot", func(b *fixture) {
		list := []bridge.Import{b.fullImport(), b.fullImport()}
		stored, r, late := mixedRows(30), b.request("one"), b.newImport()
		b.putImports(list...)
		b.putRows(list[0].ID, stored...)
		b.putRequests(r)
		b.view(func(tx bridge.Tx) error {
			b.sameImportsIn(tx, list...)
			b.inBackground(func() {
				changed := list[0]
				changed.DueAt, changed.Begun = far, 7
				b.putImports(changed, late)
				b.deleteRows(list[0].ID, 9)
				b.putRows(list[1].ID, stored...)
				b.deleteRequests(far, 9)
			})
			b.sameImportsIn(tx, list...)
			b.sameRowsIn(tx, list[0].ID, stored)
			b.sameRowsIn(tx, list[1].ID, nil)
			got, err := tx.IdempotentRequest(r.Key)
			b.same("request", r, got)
			return err
		})
		b.sameRows(list[0].ID, stored[9:])
		b.sameRows(list[1].ID, stored)
		b.same("the late one", late, b.getImport(late.ID))
	}},
	{"a view must not write", func(b *fixture) {
		i, stored, r := b.fullImport(), mixedRows(9), b.request("one")
		b.putImports(i)
		b.putRows(i.ID, stored...)
		b.putRequests(r)
		b.view(func(tx bridge.Tx) error {
			changed := i
			changed.Begun++
			_, insertErr := tx.InsertInvitations(b.invitation())
			_, rowsErr := tx.DeleteImportRows(i.ID, 9)
			_, requestsErr := tx.DeleteIdempotentRequests(far, 9)
			for what, err := range map[string]error{
				"same":            tx.PutImport(i),
				"change":          tx.PutImport(changed),
				"put":             tx.PutImport(b.newImport()),
				"put rows":        tx.PutImportRows(i.ID, row(99)),
				"delete":          tx.DeleteImport(i.ID),
				"delete rows":     rowsErr,
				"insert":          insertErr,
				"put a message":   tx.PutMessage(b.importMessage(i)),
				"put a request":   tx.PutIdempotentRequest(b.request("two")),
				"delete requests": requestsErr,
			} {
				if !errors.Is(err, bridge.ErrReadOnly) {
					b.Errorf("%s: %v", what, err)
				}
			}
			b.sameImportsIn(tx, i) // the Tx still reads
			return nil
		})
		b.sameImports(i)
		b.sameRows(i.ID, stored)
		b.sameRequests(r)
	}},
	{"everything survives a restart", func(b *fixture) {
		list := []bridge.Import{b.fullImport(), b.newImport(), b.fullImport()}
		stored, r, gone, inv := mixedRows(60), b.request("one"), b.request("two"), b.fullInvitation()
		inv.ImportID = list[0].ID
		gone.At = epoch.Add(-time.Hour)
		b.putImports(list...)
		for _, i := range list {
			b.putRows(i.ID, stored...)
		}
		b.insert([]bridge.Invitation{inv})
		b.putRequests(r, gone)
		b.deleteRows(list[1].ID, 60)
		b.deleteImport(list[1].ID)
		b.deleteRequests(gone.At, 9)
		for range 2 {
			b.restart()
			b.sameImports(list[0], list[2])
			b.sameRows(list[0].ID, stored)
			b.sameRows(list[1].ID, nil)
			b.sameRows(list[2].ID, stored)
			b.sameRequests(r)
			b.missingRequests(gone)
			b.same("of the import", []bridge.Invitation{inv}, b.list(bridge.InvitationQuery{ImportID: list[0].ID, Limit: 9}))
		}
	}},
}

// leavesNoImport passes fail a function with all kinds of writes, and checks that
// nothing has changed and that the store still works.
func (b *fixture) leavesNoImport(fail func(func(bridge.Tx) error)) {
	b.Helper()
	kept, emptied, gone := b.fullImport(), b.fullImport(), b.fullImport()
	stored, r, old := mixedRows(20), b.request("one"), b.invitation()
	b.putImports(kept, emptied, gone)
	b.putRows(kept.ID, stored...)
	b.putRows(emptied.ID, stored...)
	b.putRequests(r)
	b.put(old)
	inserted, rival := b.invitation(), b.invitation()
	inserted.ImportID, rival.Email = kept.ID, old.Email
	fail(func(tx bridge.Tx) error {
		changed, moved, again := kept, row(3), r
		changed.DueAt, changed.Begun, changed.Groups = far, 9, nil
		moved.Key, moved.Result, moved.InvitationID = "moved", bridge.ResultInvited, uuid.UUID{1}
		again.At = far
		conflicts, err := tx.InsertInvitations(inserted, rival)
		b.same("conflicts", []uuid.UUID{rival.ID}, conflicts)
		n, rowsErr := tx.DeleteImportRows(emptied.ID, 10)
		b.same("deleted", 10, n)
		return errors.Join(
			err, rowsErr,
			tx.PutImport(changed),
			tx.PutImport(b.newImport()),
			tx.PutImportRows(kept.ID, moved, row(50)),
			tx.DeleteImport(gone.ID),
			tx.PutIdempotentRequest(again),
			tx.PutIdempotentRequest(b.request("two")),
		)
	})
	b.sameImports(kept, emptied, gone)
	b.sameRows(kept.ID, stored)
	b.sameRows(emptied.ID, stored)
	b.sameRequests(r)
	b.missingRequests(b.request("two"))
	b.sameLists([]bridge.Invitation{old})
	b.putRows(gone.ID, row(0))
	b.sameRows(gone.ID, rowsUpTo(1))
}
