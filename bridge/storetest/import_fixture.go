package storetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// newImport makes the next import, with a higher id than all before it and no
// optional fields.
func (b *fixture) newImport() bridge.Import {
	b.made++
	at := epoch.Add(time.Duration(b.made) * time.Second)
	return bridge.Import{ID: idAt(at, b.made), State: bridge.ImportRunning, CreatedAt: at, UpdatedAt: at}
}

// fullImport makes an import with every field set.
func (b *fixture) fullImport() bridge.Import {
	i := b.newImport()
	at := i.CreatedAt
	i.DryRun, i.CreatedBy, i.Loader = true, "school", uuid.UUID{1, 2, 3}
	i.UpdatedAt, i.StartAt, i.FinishedAt = at.Add(time.Microsecond), at.Add(time.Hour), at.Add(2*time.Hour)
	i.Separator = ";"
	i.Defaults, i.Columns = json.RawMessage(`{"locale":"de-AT","traits":{"a":[1,2.50]}}`), []string{"email", "traits.name.first", "traits.age:json"}
	i.Reinvite = []bridge.State{bridge.StateRevoked, bridge.StateExpired}
	i.WaveSize, i.WaveEvery, i.WaveLeft, i.NextWaveAt = 500, 24*time.Hour+time.Nanosecond, 17, at.Add(3*time.Hour)
	i.Rows, i.Begun = 1_000_000, 1500
	i.Counts = bridge.ImportCounts{Invited: 1, Adopted: 2, AlreadyPending: 3, AlreadyActive: 4, SkippedRevoked: 5, SkippedExpired: 6, Duplicate: 7, Failed: 8}
	i.Groups = []bridge.RowGroup{
		{First: 500, Count: 500, Claim: uuid.UUID{4, 5}, Until: at.Add(time.Minute), Run: uuid.UUID{6}, Due: at.Add(time.Second), Tries: 2},
		{First: 1000, Count: 500, Due: at.Add(2 * time.Second)},
	}
	i.DueAt, i.WaitingFor, i.HeldUntil, i.Pauses = at.Add(4*time.Second), bridge.DependencyKratos, at.Add(6*time.Second), 3
	i.RateSince, i.RateRows = at.Add(5*time.Second), 900
	return i
}

// allSet checks that no field of a struct has its zero value: a new one belongs into
// the tests.
func (b *fixture) allSet(row any) {
	b.Helper()
	v := reflect.ValueOf(row)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			b.Errorf("%s.%s is not set", v.Type(), v.Type().Field(i).Name)
		}
	}
}

// imports makes and stores imports.
func (b *fixture) imports(count int) (list []bridge.Import) {
	b.Helper()
	for range count {
		list = append(list, b.newImport())
	}
	b.putImports(list...)
	return list
}

func (b *fixture) putImports(list ...bridge.Import) {
	b.Helper()
	b.update(putAllImports(list...))
}

func putAllImports(list ...bridge.Import) func(bridge.Tx) error {
	return func(tx bridge.Tx) error {
		for _, i := range list {
			if err := tx.PutImport(i); err != nil {
				return fmt.Errorf("put %s: %w", i.ID, err)
			}
		}
		return nil
	}
}

func (b *fixture) deleteImport(id uuid.UUID) {
	b.Helper()
	b.update(func(tx bridge.Tx) error { return tx.DeleteImport(id) })
}

// getImport reads an import that must exist.
func (b *fixture) getImport(id uuid.UUID) (i bridge.Import) {
	b.Helper()
	b.view(func(tx bridge.Tx) (err error) {
		i, err = tx.Import(id)
		return err
	})
	return i
}

// sameImports compares every way to read imports with the stored ones, which are in
// the order of their ids. No two may have the same DueAt.
func (b *fixture) sameImports(stored ...bridge.Import) {
	b.Helper()
	b.view(func(tx bridge.Tx) error {
		b.sameImportsIn(tx, stored...)
		return nil
	})
}

func (b *fixture) sameImportsIn(tx bridge.Tx, stored ...bridge.Import) {
	b.Helper()
	var due []bridge.Import
	for _, i := range stored {
		got, err := tx.Import(i.ID)
		b.is(err, nil)
		b.same("by id", i, got)
		if !i.DueAt.IsZero() {
			due = append(due, i)
		}
	}
	slices.SortFunc(due, func(a, b bridge.Import) int { return a.DueAt.Compare(b.DueAt) })
	newest := slices.Clone(stored)
	slices.Reverse(newest)
	for _, limit := range []int{1, 3, 1000} {
		for n := range len(newest) + 1 {
			before := uuid.Nil
			if n > 0 {
				before = newest[n-1].ID
			}
			got, err := tx.ListImports(before, limit)
			b.is(err, nil)
			b.same(fmt.Sprintf("%d before the %d. newest", limit, n), newest[n:][:min(limit, len(newest)-n)], got)
		}
		got, err := tx.DueImports(far, limit)
		b.is(err, nil)
		b.same(fmt.Sprint("due, limit ", limit), due[:min(limit, len(due))], got)
	}
	next, err := tx.NextImportAt()
	b.is(err, nil)
	want := time.Time{}
	if len(due) > 0 {
		want = due[0].DueAt
	}
	if next != want { // compares the location too
		b.Errorf("NextImportAt is %#v, want %#v", next, want)
	}
}

// row makes a row of an import, without a result.
func row(index int) bridge.ImportRow {
	email := fmt.Sprintf("row-%d@example.com", index)
	return bridge.ImportRow{
		Index: index, Line: 2*index + 2, Key: "default " + email, Body: json.RawMessage(`{"email":"` + email + `","traits":{"n":` + fmt.Sprint(index) + `}}`),
	}
}

func rowsUpTo(count int) (list []bridge.ImportRow) {
	for index := range count {
		list = append(list, row(index))
	}
	return list
}

// mixedRows makes rows with every result and none, with and without a key.
func mixedRows(count int) []bridge.ImportRow {
	results := append(bridge.ImportResults(), "")
	list := rowsUpTo(count)
	for i := range list {
		list[i].Result = results[i%len(results)]
		if i%5 == 3 {
			list[i].Key = ""
		}
	}
	return list
}

func (b *fixture) putRows(id uuid.UUID, rows ...bridge.ImportRow) {
	b.Helper()
	b.update(func(tx bridge.Tx) error { return tx.PutImportRows(id, rows...) })
}

func (b *fixture) importRows(q bridge.ImportRowQuery) (list []bridge.ImportRow) {
	b.Helper()
	b.view(func(tx bridge.Tx) (err error) {
		list, err = tx.ImportRows(q)
		return err
	})
	return list
}

func (b *fixture) firstLines(id uuid.UUID, keys ...string) (lines map[string]int) {
	b.Helper()
	b.view(func(tx bridge.Tx) (err error) {
		lines, err = tx.FirstLines(id, keys...)
		return err
	})
	return lines
}

// sameRows compares every way to read the rows of an import with the stored ones,
// which are in the order of their index.
func (b *fixture) sameRows(id uuid.UUID, stored []bridge.ImportRow) {
	b.Helper()
	b.view(func(tx bridge.Tx) error {
		b.sameRowsIn(tx, id, stored)
		return nil
	})
}

func (b *fixture) sameRowsIn(tx bridge.Tx, id uuid.UUID, stored []bridge.ImportRow) {
	b.Helper()
	starts, keys, want := []int{0, 1}, []string{"", "unknown"}, map[string]int{}
	for i, r := range stored {
		if keys = append(keys, r.Key); r.Key != "" {
			want[r.Key] = r.Line
		}
		if i == len(stored)/3 || i == len(stored)-1 {
			starts = append(starts, r.Index, r.Index+1)
		}
	}
	for _, result := range append(bridge.ImportResults(), "", "Failed", "unknown") {
		for _, from := range starts {
			for _, limit := range []int{1, 7, 10_000} {
				q := bridge.ImportRowQuery{ImportID: id, Result: result, From: from, Limit: limit}
				got, err := tx.ImportRows(q)
				b.is(err, nil)
				if want := pickRows(stored, q); !slices.EqualFunc(want, got, sameRow) {
					b.same(fmt.Sprintf("%+v", q), compactRows(want), compactRows(got))
				}
			}
		}
	}
	lines, err := tx.FirstLines(id, keys...)
	b.is(err, nil)
	b.same("lines", want, lines)
}

// pickRows returns the rows that a query selects, without an index.
func pickRows(stored []bridge.ImportRow, q bridge.ImportRowQuery) (list []bridge.ImportRow) {
	for _, r := range stored {
		if (q.Result == "" || q.Result == r.Result) && r.Index >= q.From && len(list) < q.Limit {
			list = append(list, r)
		}
	}
	return list
}

func sameRow(a, b bridge.ImportRow) bool {
	same := bytes.Equal(a.Body, b.Body) || bytes.Equal(compactJSON(a.Body), compactJSON(b.Body))
	a.Body, b.Body = nil, nil
	return same && reflect.DeepEqual(a, b)
}

// compactRows removes what a store may change in a body: space between values, and
// whether a character is escaped that has a meaning in HTML.
func compactRows(rows []bridge.ImportRow) []bridge.ImportRow {
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].Body = compactJSON(rows[i].Body)
	}
	return rows
}

func compactJSON(raw json.RawMessage) json.RawMessage {
	var compact, escaped bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return raw
	}
	json.HTMLEscape(&escaped, compact.Bytes())
	return escaped.Bytes()
}
