package storetest

import (
	"encoding/json"
	"fmt"
	"slices"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var importRowTests = []test{
	{"rows: all fields set", func(b *fixture) {
		i := b.imports(1)[0]
		var stored []bridge.ImportRow
		for n, result := range append(bridge.ImportResults(), "") {
			r := row(n)
			r.Result, r.InvitationID, r.DuplicateOf = result, uuid.UUID{byte(n + 1)}, n+7
			r.ErrorID, r.Reason = "email_invalid", "The email address is invalid."
			stored = append(stored, r)
		}
		b.allSet(stored[1])
		b.putRows(i.ID, stored...)
		b.sameRows(i.ID, stored)
	}},
	{"rows: only required fields set", func(b *fixture) {
		i := b.imports(1)[0]
		stored := []bridge.ImportRow{{Index: 0, Line: 1, Body: json.RawMessage(`{}`)}}
		b.putRows(i.ID, stored...)
		b.sameRows(i.ID, stored)
	}},
	{"rows: bodies keep their numbers, the order of members, and members that occur twice", func(b *fixture) {
		i := b.imports(1)[0]
		stored := rowsUpTo(len(unusualBodies))
		for n, raw := range unusualBodies {
			stored[n].Body = json.RawMessage(raw)
		}
		b.putRows(i.ID, stored...)
		b.sameRows(i.ID, stored)
		for n := range stored {
			stored[n].InvitationID = uuid.UUID{byte(n)}
		}
		b.putRows(i.ID, b.importRows(bridge.ImportRowQuery{ImportID: i.ID, Limit: 99})...) // what was read
		b.putRows(i.ID, stored...)
		b.sameRows(i.ID, stored)
	}},
	{"rows: unusual texts", func(b *fixture) {
		i := b.imports(1)[0]
		stored := rowsUpTo(len(unusualTexts))
		for n, text := range unusualTexts {
			stored[n].Key, stored[n].ErrorID, stored[n].Reason, stored[n].Result = text, text, text, bridge.ResultFailed
		}
		b.putRows(i.ID, stored...)
		b.sameRows(i.ID, stored)
	}},
	{"rows: by index, whatever the order of writing", func(b *fixture) {
		i := b.imports(1)[0]
		var stored []bridge.ImportRow
		for n := range 60 {
			stored = append(stored, row(n*n*97)) // with gaps, up to more than 16 bits
		}
		for n := range stored {
			b.putRows(i.ID, stored[n*7%60])
		}
		b.sameRows(i.ID, stored)
	}},
	{"rows: each import has its own", func(b *fixture) {
		list := b.imports(3)
		for n, i := range list {
			b.putRows(i.ID, mixedRows(20+n)...)
		}
		for n, i := range list {
			b.sameRows(i.ID, mixedRows(20+n))
		}
		b.sameRows(uuid.Max, nil)
		b.sameRows(uuid.Nil, nil)
		b.sameRows(b.newImport().ID, nil)
	}},
	{"rows: pages", func(b *fixture) {
		i := b.imports(1)[0]
		stored := mixedRows(50)
		b.putRows(i.ID, stored...)
		for _, result := range append(bridge.ImportResults(), "") {
			var got []bridge.ImportRow
			q := bridge.ImportRowQuery{ImportID: i.ID, Result: result, Limit: 3}
			for page := b.importRows(q); len(page) > 0 && len(got) <= len(stored); page = b.importRows(q) {
				got = append(got, page...)
				q.From = page[len(page)-1].Index + 1
			}
			q.From, q.Limit = 0, len(stored)
			b.same(string(result), compactRows(pickRows(stored, q)), compactRows(got))
		}
	}},
	{"rows: a put replaces everything, in every index", func(b *fixture) {
		i := b.imports(1)[0]
		stored := rowsUpTo(3)
		b.putRows(i.ID, stored...)
		for _, change := range []func(r *bridge.ImportRow){
			func(r *bridge.ImportRow) { r.InvitationID = uuid.UUID{1} },
			func(r *bridge.ImportRow) { r.Result = bridge.ResultInvited },
			func(r *bridge.ImportRow) { r.Result = bridge.ResultFailed },
			func(r *bridge.ImportRow) { r.Key = "" },
			func(r *bridge.ImportRow) { r.Key, r.Result = "else", "" },
			func(r *bridge.ImportRow) { r.Line = 77 },
			func(r *bridge.ImportRow) { r.Body = json.RawMessage(`{"email":"else@example.com"}`) },
			func(r *bridge.ImportRow) { *r = bridge.ImportRow{Index: 1, Line: 1, Body: json.RawMessage(`{}`)} },
			func(r *bridge.ImportRow) { *r = row(1) },
		} {
			change(&stored[1])
			b.putRows(i.ID, stored[1])
			b.sameRows(i.ID, stored)
			b.putRows(i.ID, stored...)
			b.sameRows(i.ID, stored)
		}
	}},
	{"rows: groups of 500 are stored, begun and finished", func(b *fixture) {
		const group, groups = 500, 4
		i := b.imports(1)[0]
		stored := rowsUpTo(group * groups)
		results := bridge.ImportResults()
		for g := range slices.Chunk(stored, group) {
			b.putRows(i.ID, g...)
		}
		b.sameRows(i.ID, stored)
		for g := range slices.Chunk(stored, group) {
			b.update(func(tx bridge.Tx) error {
				read, err := tx.ImportRows(bridge.ImportRowQuery{ImportID: i.ID, From: g[0].Index, Limit: group})
				for n := range read {
					read[n].InvitationID = numbered(read[n].Index).ID
					g[n].InvitationID = read[n].InvitationID
				}
				b.is(err, nil)
				return tx.PutImportRows(i.ID, read...)
			})
		}
		b.sameRows(i.ID, stored)
		for g := range slices.Chunk(stored, group) {
			for n := range g {
				g[n].Result = results[n%len(results)]
			}
			b.putRows(i.ID, g...)
		}
		b.sameRows(i.ID, stored)
	}},
	{"rows: reads see the writes of their own transaction", func(b *fixture) {
		i := b.newImport()
		stored := mixedRows(20)
		b.update(func(tx bridge.Tx) error {
			b.is(tx.PutImport(i), nil)
			b.is(tx.PutImportRows(i.ID, stored...), nil)
			b.sameRowsIn(tx, i.ID, stored)
			stored[7].Result, stored[7].Key = bridge.ResultAdopted, "moved"
			b.is(tx.PutImportRows(i.ID, stored[7]), nil)
			b.sameRowsIn(tx, i.ID, stored)
			return nil
		})
		b.sameRows(i.ID, stored)
	}},
	{"rows: what is returned, and what was put, is a copy", func(b *fixture) {
		i := b.imports(1)[0]
		want := mixedRows(9)
		b.update(func(tx bridge.Tx) error {
			put := mixedRows(9)
			b.is(tx.PutImportRows(i.ID, put...), nil)
			put[1].Body[2] = 'x'
			read, err := tx.ImportRows(bridge.ImportRowQuery{ImportID: i.ID, Limit: 9})
			b.same("rows", 9, len(read))
			for n := range read {
				read[n].Body[2] = 'y'
			}
			b.sameRowsIn(tx, i.ID, want)
			return err
		})
		b.sameRows(i.ID, want)
	}},
	{"rows: none without an import", func(b *fixture) {
		inv, i, none := b.invitation(), b.newImport(), b.newImport()
		b.put(inv)
		b.putImports(i)
		b.update(func(tx bridge.Tx) error {
			for _, id := range []uuid.UUID{none.ID, inv.ID, uuid.Nil, uuid.Max} {
				b.is(tx.PutImportRows(id, row(0)), bridge.ErrRowNotFound)
			}
			return tx.PutImportRows(i.ID, row(0)) // the Tx still works
		})
		b.sameRows(i.ID, rowsUpTo(1))
		b.sameRows(none.ID, nil)
		b.putImports(none)
		b.sameRows(none.ID, nil)
	}},
	{"rows: putting none", func(b *fixture) {
		i := b.imports(1)[0]
		b.putRows(i.ID)
		b.sameRows(i.ID, nil)
	}},
	{"rows: changes of the import do not affect them", func(b *fixture) {
		i, stored := b.fullImport(), mixedRows(30)
		b.putImports(i)
		b.putRows(i.ID, stored...)
		for _, state := range bridge.ImportStates() {
			i.State, i.Rows = state, 7
			b.putImports(i)
			b.same(fmt.Sprint(state), i, b.getImport(i.ID))
		}
		b.sameRows(i.ID, stored)
	}},
}
