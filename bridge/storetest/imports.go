package storetest

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var allImportTests = slices.Concat(importTests, importDueTests, importRowTests, importKeyTests, importDeletionTests, importMessageTests,
	importInvitationTests, insertTests, importTxTests, importContentionTests, requestTests)

var importTests = []test{
	{"all fields set", func(b *fixture) {
		for _, state := range bridge.ImportStates() {
			i := b.fullImport()
			b.allSet(i)
			b.allSet(i.Counts)
			b.allSet(i.Groups[0])
			i.State = state
			b.putImports(i)
			b.same(string(state), i, b.getImport(i.ID))
		}
	}},
	{"every dependency", func(b *fixture) {
		i := b.fullImport()
		for _, d := range []bridge.Dependency{
			bridge.DependencyKratos, bridge.DependencyHook, bridge.DependencyStore, bridge.DependencyRequest, bridge.DependencyRepair, "",
		} {
			i.WaitingFor = d
			b.putImports(i)
			b.same(string(d), i, b.getImport(i.ID))
		}
	}},
	{"only required fields set", func(b *fixture) {
		i := b.newImport()
		b.putImports(i)
		b.sameImports(i)
	}},
	{"empty fields stay empty", func(b *fixture) {
		i := bridge.Import{ID: b.newImport().ID, State: bridge.ImportLoading}
		b.putImports(i)
		b.sameImports(i)
	}},
	{"unusual texts", func(b *fixture) {
		for _, text := range unusualTexts {
			i := b.newImport()
			i.CreatedBy, i.Columns = text, []string{text, "", text}
			i.Defaults, _ = json.Marshal(map[string]string{"inviter_name": text})
			b.putImports(i)
			b.same(text, i, b.getImport(i.ID))
		}
	}},
	{"defaults keep their numbers, the order of members, and members that occur twice", func(b *fixture) {
		i := b.newImport()
		for _, raw := range unusualBodies {
			i.Defaults = json.RawMessage(raw)
			b.putImports(i)
			b.same(raw, string(compactJSON(i.Defaults)), string(compactJSON(b.getImport(i.ID).Defaults)))
		}
	}},
	{"many groups and columns, in order", func(b *fixture) {
		i := b.newImport()
		for n := range 300 {
			i.Groups = append(i.Groups, bridge.RowGroup{First: (300 - n) * 500, Count: n, Due: epoch.Add(time.Duration(n) * time.Second)})
			i.Columns = append(i.Columns, strings.Repeat("c", n+1))
		}
		b.putImports(i)
		b.sameImports(i)
	}},
	{"times come back in UTC, to the microsecond", func(b *fixture) {
		i, at := b.fullImport(), time.Date(2999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
		i.DueAt, i.NextWaveAt, i.Groups[0].Until = at, at, at
		b.putImports(i)
		got := b.getImport(i.ID)
		for what, got := range map[string]time.Time{"DueAt": got.DueAt, "NextWaveAt": got.NextWaveAt, "Until": got.Groups[0].Until} {
			if got != at { // compares the location too
				b.Errorf("%s: got %#v, want %#v", what, got, at)
			}
		}
	}},
	{"a put replaces everything", func(b *fixture) {
		i := b.fullImport()
		b.putImports(i)
		plain := b.newImport()
		plain.ID = i.ID
		b.putImports(plain)
		b.sameImports(plain)
		b.putImports(i)
		b.sameImports(i)
	}},
	{"the same put twice", func(b *fixture) {
		i := b.fullImport()
		b.putImports(i, i)
		b.putImports(i)
		b.sameImports(i)
	}},
	{"what is returned is a copy", func(b *fixture) {
		want := b.fullImport()
		b.putImports(want)
		b.update(func(tx bridge.Tx) error {
			one, err := tx.Import(want.ID)
			list, listErr := tx.ListImports(uuid.Nil, 1)
			due, dueErr := tx.DueImports(far, 1)
			if err := errors.Join(err, listErr, dueErr); err != nil {
				return err
			}
			for _, got := range []bridge.Import{one, list[0], due[0]} {
				got.Groups[0].First, got.Columns[0], got.Defaults[1], got.Reinvite[0] = 9, "else", 'x', "else"
			}
			again, err := tx.Import(want.ID)
			b.same("in the same transaction", want, again)
			return err
		})
		b.sameImports(want)
	}},
	{"what was put is a copy", func(b *fixture) {
		want := b.fullImport()
		b.update(func(tx bridge.Tx) error {
			i := want
			i.Groups, i.Columns, i.Defaults = slices.Clone(want.Groups), slices.Clone(want.Columns), slices.Clone(want.Defaults)
			err := tx.PutImport(i)
			i.Groups[0].First, i.Columns[0], i.Defaults[1] = 9, "else", 'x'
			return err
		})
		b.sameImports(want)
	}},
	{"unknown ids", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		b.putImports(b.newImport())
		b.update(func(tx bridge.Tx) error {
			for _, id := range []uuid.UUID{{}, uuid.Max, inv.ID, b.newImport().ID} {
				_, err := tx.Import(id)
				b.is(err, bridge.ErrRowNotFound)
				b.is(tx.DeleteImport(id), bridge.ErrRowNotFound)
			}
			return tx.PutImport(b.newImport()) // the Tx still works
		})
		b.same("invitation", inv, b.get(inv.ID))
	}},
	{"reads see the writes of their own transaction", func(b *fixture) {
		first, i := b.newImport(), b.fullImport()
		b.putImports(first)
		b.update(func(tx bridge.Tx) error {
			b.is(tx.PutImport(i), nil)
			b.sameImportsIn(tx, first, i)
			i.DueAt = time.Time{}
			b.is(tx.PutImport(i), nil)
			b.sameImportsIn(tx, first, i)
			b.is(tx.DeleteImport(i.ID), nil)
			b.sameImportsIn(tx, first)
			return nil
		})
		b.sameImports(first)
	}},
	{"lists: the newest first, whatever the order of writing", func(b *fixture) {
		list := make([]bridge.Import, 12)
		for n := range list {
			list[n] = b.newImport()
		}
		for n := range list {
			b.putImports(list[n*5%len(list)])
		}
		b.sameImports(list...)
		for _, n := range []int{11, 5, 0} {
			b.deleteImport(list[n].ID)
			list = slices.Delete(list, n, n+1)
			b.sameImports(list...)
		}
	}},
	{"an empty store", func(b *fixture) { b.sameImports() }},
}

var unusualTexts = []string{
	`"quoted" & <b>`, "two\nlines\tand\\", "nul \x00 and \x01", "'; DROP TABLE imports; --", "%_*?", " spaces ", "naïve 日本語 🙂", "\u2028\u202e",
	"e\u0301", "null", "{}", `{"a":1}`, `\u0000`, strings.Repeat("long ", 20_000),
}

// unusualBodies are objects that a store must not interpret.
var unusualBodies = []string{
	`{}`, `{"b":1,"a":2,"b":3}`, `{"n":1.50e+02,"big":123456789012345678901234567890,"small":-0.0}`,
	`{"nul":"\u0000","surrogate":"\ud83d\ude42","half":"\ud83d","slash":"\/"}`, `{"":{"":[null,true,[],{}]}}`, `{"html":"<&>"}`,
	`{"text":"naïve 日本語 🙂 ` + "\u2028" + `"}`, ` { "spaces" : [ 1 , 2 ] , "in texts" : " a : b , c " } `, "{\"tab\":\t\"\\t\"\n}",
	`{"email":"ann@example.com","traits":{"\u0061":"` + strings.Repeat("x", 64<<10) + `"}}`,
}
