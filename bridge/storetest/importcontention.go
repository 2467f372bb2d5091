package storetest

import (
	"errors"
	"fmt"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var importContentionTests = []test{
	{"no update of an import is lost", func(b *fixture) {
		list := b.imports(2)
		for range 3 {
			won := b.contend(nil, func(tx bridge.Tx, n int) error {
				i, err := tx.Import(list[n%2].ID)
				i.Begun++
				return errors.Join(err, tx.PutImport(i))
			})
			b.same("updates", rivals, len(won))
		}
		for _, i := range list {
			b.same("count", 3*rivals/2, b.getImport(i.ID).Begun)
		}
	}},
	{"each row is begun once", func(b *fixture) {
		const group = 3
		i := b.imports(1)[0]
		stored := rowsUpTo(rivals * group)
		b.putRows(i.ID, stored...)
		b.contend(nil, func(tx bridge.Tx, n int) error {
			got, err := tx.Import(i.ID)
			if err != nil {
				return err
			}
			rows, err := tx.ImportRows(bridge.ImportRowQuery{ImportID: i.ID, From: got.Begun, Limit: group})
			for r := range rows {
				if rows[r].InvitationID != uuid.Nil {
					return fmt.Errorf("row %d is begun already", rows[r].Index)
				}
				rows[r].InvitationID = uuid.UUID{1, byte(n)}
			}
			got.Groups = append(got.Groups, bridge.RowGroup{First: got.Begun, Count: len(rows)})
			got.Begun += len(rows)
			return errors.Join(err, tx.PutImport(got), tx.PutImportRows(i.ID, rows...))
		})
		b.same("begun", len(stored), b.getImport(i.ID).Begun)
		b.same("groups", rivals, len(b.getImport(i.ID).Groups))
		begun := map[uuid.UUID]int{}
		for _, r := range b.importRows(bridge.ImportRowQuery{ImportID: i.ID, Limit: 1000}) {
			begun[r.InvitationID]++
		}
		for id, n := range begun {
			b.same(fmt.Sprint("rows of ", id), group, n)
		}
		b.same("workers", rivals, len(begun))
	}},
	{"one row has a key", func(b *fixture) {
		i := b.imports(1)[0]
		won := b.contend(errRule, func(tx bridge.Tx, n int) error {
			lines, err := tx.FirstLines(i.ID, "wanted")
			if err == nil && len(lines) > 0 {
				err = errRule
			}
			if err != nil {
				return err
			}
			r := row(n)
			r.Key = "wanted"
			return tx.PutImportRows(i.ID, r)
		})
		b.same("winners", 1, len(won))
		b.same("its line", map[string]int{"wanted": row(won[0]).Line}, b.firstLines(i.ID, "wanted"))
	}},
	{"updates that read rows only", func(b *fixture) {
		// Each adds a row behind the last one it finds, without reading the import.
		i := b.imports(1)[0]
		b.contend(nil, func(tx bridge.Tx, _ int) error {
			rows, err := tx.ImportRows(bridge.ImportRowQuery{ImportID: i.ID, Limit: 1000})
			return errors.Join(err, tx.PutImportRows(i.ID, row(len(rows))))
		})
		b.sameRows(i.ID, rowsUpTo(rivals))
	}},
	{"workers share what is due", func(b *fixture) {
		var list []bridge.Import
		for range rivals {
			i := b.newImport()
			i.DueAt = epoch
			list = append(list, i)
		}
		b.putImports(list...)
		b.contend(nil, func(tx bridge.Tx, _ int) error {
			due, err := tx.DueImports(epoch, 1)
			if err != nil || len(due) != 1 {
				return errors.Join(err, fmt.Errorf("got %d imports, want 1", len(due)))
			}
			due[0].DueAt, due[0].Begun = epoch.Add(time.Hour), due[0].Begun+1
			return tx.PutImport(due[0])
		})
		for _, i := range list {
			b.same("claims", 1, b.getImport(i.ID).Begun)
		}
	}},
	{"a deletion and rows exclude each other", func(b *fixture) {
		i := b.imports(1)[0]
		b.contend(bridge.ErrRowNotFound, func(tx bridge.Tx, n int) error {
			if n%2 == 0 {
				return tx.PutImportRows(i.ID, row(n))
			}
			_, err := tx.DeleteImportRows(i.ID, 1000)
			return errors.Join(err, tx.DeleteImport(i.ID))
		})
		b.sameImports()
		b.sameRows(i.ID, nil)
	}},
}
