package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// backedUp returns the path of a backup of storeFile's store, after spoil.
func backedUp(t *testing.T, spoil damage) string {
	t.Helper()
	source := storeFile(t)
	spoil(t, source)
	s := open(t, source)
	var copied bytes.Buffer
	if err := errors.Join(s.Backup(context.Background(), &copied), s.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	write(copied.String())(t, path)
	return path
}

func undamaged(*testing.T, string) {}

func TestCheckUndamaged(t *testing.T) {
	for name, spoil := range map[string]damage{
		"a store":           undamaged,
		"a large value":     edit(func(tx *bbolt.Tx) error { return probeBucket.in(tx).Put(probeKey, make([]byte, 10*pageSize)) }),
		"a nested bucket":   edit(nest(0)),
		"a nested tree":     edit(nest(1000)),
		"an unknown bucket": edit(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("later")); return err }),
	} {
		t.Run(name, func(t *testing.T) {
			path := backedUp(t, spoil)
			before := content(t, path)
			if err := Check(path); err != nil {
				t.Error(err)
			}
			if !bytes.Equal(before, content(t, path)) {
				t.Error("the file was changed")
			}
		})
	}
}

// nest creates a bucket inside a bucket, with that many entries.
func nest(entries int) func(tx *bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		b, err := probeBucket.in(tx).CreateBucket([]byte("nested"))
		for n := range entries {
			err = errors.Join(err, b.Put(fmt.Append(nil, n), []byte("value")))
		}
		return err
	}
}

// TestLongFreeList reads a list with more free pages than its page header can
// count.
func TestLongFreeList(t *testing.T) {
	const ids, pages = manyFree + 10, 200
	raw := make([]byte, pages*pageSize)
	list := raw[2*pageSize:]
	order := binary.NativeEndian
	order.PutUint64(list, 2)
	order.PutUint16(list[8:], freeKind)
	order.PutUint16(list[10:], manyFree)
	order.PutUint32(list[12:], pages-3)
	order.PutUint64(list[headSize:], ids)
	for i := range uint64(ids) {
		order.PutUint64(list[headSize+8+8*i:], pages+i)
	}
	m := meta{pageSize: pageSize, free: 2, pages: pages + ids}
	if err := newWalker(bytes.NewReader(raw), m).free(); err != nil {
		t.Error(err)
	}
	m.pages--
	if err := newWalker(bytes.NewReader(raw), m).free(); err == nil {
		t.Error("a free page past the end")
	}
}

// TestCheckSmashed overwrites each page with garbage in turn. Check detects every
// page in use, including those that normal operation does not read; free pages do
// not matter.
func TestCheckSmashed(t *testing.T) {
	original := backedUp(t, undamaged)
	used := map[int]bool{0: true, 1: true, freePage(t, original): true}
	for _, page := range append(pagesOf(t, original, branchKind), pagesOf(t, original, leafKind)...) {
		used[page] = true
	}
	for page := range usedPages(t, original) {
		path := filepath.Join(t.TempDir(), "copy.db")
		write(string(content(t, original)))(t, path)
		smash(page)(t, path)
		if err := Check(path); used[page] != errors.Is(err, ErrCorrupt) || !used[page] && err != nil {
			t.Errorf("page %d, in use %v: %v", page, used[page], err)
		}
	}
}

func TestCheckDamaged(t *testing.T) {
	original := backedUp(t, edit(nest(1000)))
	branch := pagesOf(t, original, branchKind)
	leaf := pagesOf(t, original, leafKind)
	inBranch := func(at int, value uint64) damage {
		return in(branch[0], at, func(raw []byte) { binary.NativeEndian.PutUint64(raw, value) })
	}
	childOf := func(i int) uint64 { // of the first branch
		return binary.NativeEndian.Uint64(content(t, original)[branch[0]*pageSize+headSize+i*elementSize+8:])
	}
	const child = headSize + elementSize + 8 // of the second element
	for name, spoil := range map[string]damage{
		"cut off by a byte":      cutUsed,
		"cut in the middle":      cut(-2),
		"cut to zero bytes":      cut(0),
		"just past the end":      inBranch(child, uint64(usedPages(t, original))),
		"past the end":           inBranch(child, 1<<18),
		"far past the end":       inBranch(child, 1<<50),
		"a cycle":                inBranch(child, uint64(branch[0])),
		"a page used twice":      inBranch(child, childOf(0)),
		"a meta page":            inBranch(child, 1),
		"a branch with no child": in(branch[0], 10, func(raw []byte) { raw[0], raw[1] = 0, 0 }),
		"too many elements":      in(leaf[0], 10, func(raw []byte) { raw[0], raw[1] = 0xff, 0xff }),
		"too many overflow pages": in(leaf[0], 12, func(raw []byte) {
			binary.NativeEndian.PutUint32(raw, 1<<31)
		}),
		"a key outside the page": in(leaf[0], headSize+4, func(raw []byte) { binary.NativeEndian.PutUint32(raw, 1<<30) }),
		"a value of 2 GB":        in(leaf[0], headSize+12, func(raw []byte) { binary.NativeEndian.PutUint32(raw, 1<<31-1) }),
		"an endless free list":   endlessFree,
		"free and used": in(freePage(t, original), headSize, func(raw []byte) {
			binary.NativeEndian.PutUint64(raw, 2) // the lowest page, so in order
		}),
		"keys out of order": in(int(childOf(1)), headSize+8, func(raw []byte) { raw[0]-- }),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "copy.db")
			write(string(content(t, original)))(t, path)
			spoil(t, path)
			err := Check(path)
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrEmpty) || !strings.Contains(fmt.Sprint(err), path+": ") {
				t.Errorf("got %v", err)
			}
		})
	}
	for _, page := range branch {
		for _, i := range []int{0, elements(t, original, page) - 1} {
			path := filepath.Join(t.TempDir(), "copy.db")
			write(string(content(t, original)))(t, path)
			in(page, child+(i-1)*elementSize, func(raw []byte) { binary.NativeEndian.PutUint64(raw, uint64(page)) })(t, path)
			if err := Check(path); !errors.Is(err, ErrCorrupt) {
				t.Errorf("page %d links to itself: %v", page, err)
			}
		}
	}
	if err := Check(filepath.Join(t.TempDir(), "none.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func elements(t *testing.T, path string, page int) int {
	_, _, count, _ := head(content(t, path)[page*pageSize:])
	return count
}

// in changes the bytes at an offset of a page.
func in(page, at int, change func([]byte)) damage {
	return func(t *testing.T, path string) { patch(t, path, page*pageSize+at, change) }
}
