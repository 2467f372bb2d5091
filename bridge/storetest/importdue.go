package storetest

import (
	"fmt"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var importDueTests = []test{
	{"due: the boundary", func(b *fixture) {
		for _, state := range bridge.ImportStates() {
			i := b.newImport()
			i.State, i.DueAt = state, i.CreatedAt.Add(time.Minute)
			b.putImports(i)
			for offset, want := range map[time.Duration][]bridge.Import{
				-time.Hour: nil, -time.Microsecond: nil, 0: {i}, time.Microsecond: {i}, time.Hour: {i},
			} {
				b.same(fmt.Sprint(state, " at ", offset), want, b.dueImports(i.DueAt.Add(offset), 9))
			}
			b.deleteImport(i.ID)
		}
	}},
	{"due: never without DueAt", func(b *fixture) {
		i := b.fullImport()
		i.DueAt = time.Time{}
		b.putImports(i, b.newImport())
		b.same("due", []bridge.Import{}, b.dueImports(far, 9))
		b.view(func(tx bridge.Tx) error {
			at, err := tx.NextImportAt()
			b.same("next", time.Time{}, at)
			return err
		})
	}},
	{"due: the earliest first, up to the limit", func(b *fixture) {
		// The earlier the time, the later the write. Some are before 1970.
		var stored []bridge.Import
		for n := range 20 {
			i := b.newImport()
			i.DueAt = epoch.Add(time.Duration(10-n) * 6 * 365 * 24 * time.Hour)
			b.putImports(i)
			stored = append(stored, i)
		}
		b.sameImports(stored...)
		for n, limit := range []int{1, 7, 19, 20, 21} {
			b.same(fmt.Sprint(n, ": limit ", limit), min(limit, 20), len(b.dueImports(far, limit)))
		}
	}},
	{"due: a change of DueAt", func(b *fixture) {
		list := b.imports(3)
		for n, at := range []time.Duration{5, 3, 8, -2, 0, 7, 1, 6, 4} {
			i := &list[n%3]
			if i.DueAt = epoch.Add(at * time.Second); at == 0 {
				i.DueAt = time.Time{}
			}
			b.putImports(*i)
			b.sameImports(list...)
		}
	}},
	{"due: a change of everything else", func(b *fixture) {
		i := b.fullImport()
		b.putImports(i)
		i.State, i.Groups, i.Begun, i.UpdatedAt = bridge.ImportPaused, nil, 7, far
		b.putImports(i)
		b.sameImports(i)
	}},
	{"due: deletion", func(b *fixture) {
		first, second := b.fullImport(), b.fullImport()
		b.putImports(first, second)
		b.deleteImport(first.ID)
		b.sameImports(second)
		b.deleteImport(second.ID)
		b.sameImports()
	}},
	{"due: many at the same time", func(b *fixture) {
		want, got := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
		for range 30 {
			i := b.newImport()
			i.DueAt = epoch
			b.putImports(i)
			want[i.ID] = true
		}
		for _, i := range b.dueImports(epoch, 99) {
			got[i.ID] = true
		}
		b.same("ids", want, got)
	}},
}

func (b *fixture) dueImports(now time.Time, limit int) (list []bridge.Import) {
	b.Helper()
	b.view(func(tx bridge.Tx) (err error) {
		list, err = tx.DueImports(now, limit)
		return err
	})
	return list
}
