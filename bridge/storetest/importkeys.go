package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var importKeyTests = []test{
	{"first lines: of keys that rows have, and of no others", func(b *fixture) {
		list := b.imports(2)
		b.putRows(list[0].ID, rowsUpTo(3)...)
		key := row(1).Key
		b.same("of the import", map[string]int{key: row(1).Line}, b.firstLines(list[0].ID, key, "unknown", "", key))
		b.same("of another import", map[string]int{}, b.firstLines(list[1].ID, key))
		b.same("of no import", map[string]int{}, b.firstLines(uuid.Max, key))
		b.same("no keys", map[string]int{}, b.firstLines(list[0].ID))
	}},
	{"first lines: the same key in two imports", func(b *fixture) {
		list := b.imports(2)
		for n, i := range list {
			r := row(n)
			r.Key = "same"
			b.putRows(i.ID, r)
		}
		for n, i := range list {
			b.same(fmt.Sprint(n), map[string]int{"same": row(n).Line}, b.firstLines(i.ID, "same"))
		}
	}},
	{"first lines: keys match exactly", func(b *fixture) {
		i := b.imports(1)[0]
		keys := []string{"a", "A", "a ", "aa", "a\x00", "a\x00b", "ab", "%", "e\u0301", "é", "\x00", strings.Repeat("k", 10_000), strings.Repeat("k", 10_001)}
		stored := rowsUpTo(len(keys))
		for n := range stored {
			stored[n].Key = keys[n]
		}
		b.putRows(i.ID, stored...)
		b.sameRows(i.ID, stored)
		b.same("others", map[string]int{}, b.firstLines(i.ID, "aaa", "a\x01", "b", "_", strings.Repeat("k", 9_999)))
	}},
	{"first lines: in the transaction that puts the rows", func(b *fixture) {
		i := b.imports(1)[0]
		b.update(func(tx bridge.Tx) error {
			for _, chunk := range [][]bridge.ImportRow{rowsUpTo(6)[:3], rowsUpTo(6)[3:]} {
				key := chunk[0].Key
				lines, err := tx.FirstLines(i.ID, key)
				b.is(err, nil)
				b.same("before", map[string]int{}, lines)
				b.is(tx.PutImportRows(i.ID, chunk...), nil)
				lines, err = tx.FirstLines(i.ID, key)
				b.is(err, nil)
				b.same("after", map[string]int{key: chunk[0].Line}, lines)
			}
			return nil
		})
		b.sameRows(i.ID, rowsUpTo(6))
	}},
	{"first lines: a row gives up its key, and another takes it", func(b *fixture) {
		i := b.imports(1)[0]
		first, second := row(0), row(1)
		second.Key = ""
		b.putRows(i.ID, first, second)
		key := first.Key
		first.Key, first.Result = "", bridge.ResultFailed
		b.putRows(i.ID, first)
		b.same("of nobody", map[string]int{}, b.firstLines(i.ID, key))
		second.Key = key
		b.putRows(i.ID, second)
		b.sameRows(i.ID, []bridge.ImportRow{first, second})
		second.Key, first.Key = "", key
		b.update(func(tx bridge.Tx) error {
			return errors.Join(tx.PutImportRows(i.ID, second), tx.PutImportRows(i.ID, first))
		})
		b.sameRows(i.ID, []bridge.ImportRow{first, second})
	}},
	{"first lines: 500 keys at a time, and duplicates", func(b *fixture) {
		const chunk = 500
		i := b.imports(1)[0]
		var stored []bridge.ImportRow
		for n := range 4 * chunk {
			r := row(n)
			r.Key = row(n % (3 * chunk)).Key // the last 500 repeat the first ones
			stored = append(stored, r)
		}
		for rows := range slices.Chunk(stored, chunk) {
			b.update(func(tx bridge.Tx) error {
				keys := make([]string, len(rows))
				for n := range rows {
					keys[n] = row(rows[n].Index % (3 * chunk)).Key
				}
				lines, err := tx.FirstLines(i.ID, keys...)
				for n := range rows {
					if line, found := lines[keys[n]]; found {
						rows[n].Key, rows[n].Result, rows[n].DuplicateOf = "", bridge.ResultDuplicate, line
					}
				}
				return errors.Join(err, tx.PutImportRows(i.ID, rows...))
			})
		}
		b.sameRows(i.ID, stored)
		duplicates := b.importRows(bridge.ImportRowQuery{ImportID: i.ID, Result: bridge.ResultDuplicate, Limit: 1000})
		b.same("duplicates", chunk, len(duplicates))
		b.same("the line of the first one", row(0).Line, duplicates[0].DuplicateOf)
	}},
}
