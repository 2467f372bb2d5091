package storetest

import (
	"context"
	"errors"
	"fmt"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var importDeletionTests = []test{
	{"deletion of rows: in batches, of one import only", func(b *fixture) {
		list := b.imports(3)
		for _, i := range list {
			b.putRows(i.ID, mixedRows(95)...)
		}
		gone := list[1].ID
		for left := 95; left >= 0; left -= 10 {
			b.same(fmt.Sprint(left, " are left"), min(10, left), b.deleteRows(gone, 10))
			b.same("rows", max(0, left-10), len(b.importRows(bridge.ImportRowQuery{ImportID: gone, Limit: 1000})))
		}
		b.sameRows(gone, nil)
		b.sameRows(list[0].ID, mixedRows(95))
		b.sameRows(list[2].ID, mixedRows(95))
		b.sameImports(list...)
	}},
	{"deletion of rows: of an unknown import", func(b *fixture) {
		i := b.imports(1)[0]
		b.putRows(i.ID, rowsUpTo(3)...)
		for _, id := range []uuid.UUID{{}, uuid.Max, b.newImport().ID} {
			b.same("deleted", 0, b.deleteRows(id, 9))
		}
		b.sameRows(i.ID, rowsUpTo(3))
	}},
	{"deletion of rows: what follows in the same transaction", func(b *fixture) {
		i := b.imports(1)[0]
		stored := mixedRows(600)
		b.putRows(i.ID, stored...)
		b.update(func(tx bridge.Tx) error {
			n, err := tx.DeleteImportRows(i.ID, 1000)
			b.is(err, nil)
			b.same("deleted", 600, n)
			b.sameRowsIn(tx, i.ID, nil)
			b.is(tx.PutImportRows(i.ID, stored[10:20]...), nil)
			b.sameRowsIn(tx, i.ID, stored[10:20])
			return nil
		})
		b.sameRows(i.ID, stored[10:20])
	}},
	{"deletion: an import without rows, and no other", func(b *fixture) {
		list := []bridge.Import{b.fullImport(), b.fullImport(), b.fullImport()}
		b.putImports(list...)
		for _, i := range list {
			b.putRows(i.ID, mixedRows(10)...)
		}
		b.same("deleted", 10, b.deleteRows(list[1].ID, 10))
		b.deleteImport(list[1].ID)
		b.sameImports(list[0], list[2])
		b.sameRows(list[1].ID, nil)
		b.sameRows(list[0].ID, mixedRows(10))
		b.putImports(list[1]) // old rows must not reappear with the id
		b.sameImports(list...)
		b.sameRows(list[1].ID, nil)
	}},
	{"deletion: not while it has rows", func(b *fixture) {
		i := b.fullImport()
		b.putImports(i)
		b.putRows(i.ID, mixedRows(3)...)
		err := b.store.Update(context.Background(), func(tx bridge.Tx) error { return tx.DeleteImport(i.ID) })
		if err == nil || errors.Is(err, bridge.ErrRowNotFound) {
			b.Errorf("got %v, want another error", err)
		}
		b.sameImports(i)
		b.sameRows(i.ID, mixedRows(3))
	}},
	{"deletion: in the transaction that stored it", func(b *fixture) {
		i := b.fullImport()
		b.update(func(tx bridge.Tx) error {
			b.is(errors.Join(tx.PutImport(i), tx.PutImportRows(i.ID, rowsUpTo(3)...)), nil)
			n, err := tx.DeleteImportRows(i.ID, 9)
			b.same("deleted", 3, n)
			return errors.Join(err, tx.DeleteImport(i.ID))
		})
		b.sameImports()
		b.sameRows(i.ID, nil)
	}},
	{"deletion: its invitations stay", func(b *fixture) {
		i, inv := b.newImport(), b.fullInvitation()
		inv.ImportID = i.ID
		b.putImports(i)
		b.put(inv)
		b.deleteImport(i.ID)
		b.same("invitation", inv, b.get(inv.ID))
		b.same("of the import", []bridge.Invitation{inv}, b.list(bridge.InvitationQuery{ImportID: i.ID, Limit: 9}))
		inv.Claim = nil
		b.put(inv)
		b.delete(inv)
		b.same("of the import", []bridge.Invitation{}, b.list(bridge.InvitationQuery{ImportID: i.ID, Limit: 9}))
	}},
}

func (b *fixture) deleteRows(id uuid.UUID, limit int) (n int) {
	b.Helper()
	b.update(func(tx bridge.Tx) (err error) {
		n, err = tx.DeleteImportRows(id, limit)
		return err
	})
	return n
}
