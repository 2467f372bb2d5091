package boltstore

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

// damage is a way to damage, or otherwise change, a file.
type damage = func(t *testing.T, path string)

func write(text string) damage {
	return func(t *testing.T, path string) {
		if err := os.WriteFile(path, []byte(text), fileMode); err != nil {
			t.Fatal(err)
		}
	}
}

func garbage(size int) damage {
	raw := make([]byte, size)
	_, _ = rand.Read(raw)
	return write(string(raw))
}

// cut truncates the file to a size; -n: to the n-th part of the pages in use.
func cut(size int) damage {
	return func(t *testing.T, path string) {
		if size < 0 {
			size = usedPages(t, path) * pageSize / -size
		}
		if err := os.Truncate(path, int64(size)); err != nil {
			t.Fatal(err)
		}
	}
}

func cutUsed(t *testing.T, path string) {
	cut(usedPages(t, path)*pageSize-1)(t, path)
}

func patch(t *testing.T, path string, at int, change func([]byte)) {
	raw := content(t, path)
	change(raw[at:])
	write(string(raw))(t, path)
}

func smash(page int) damage {
	return func(t *testing.T, path string) {
		patch(t, path, page*pageSize, func(raw []byte) { _, _ = rand.Read(raw[:pageSize]) })
	}
}

// smashFree overwrites the list of free pages, which only a writer reads.
func smashFree(t *testing.T, path string) { smash(freePage(t, path))(t, path) }

// endlessFree sets a length of the free list that exceeds any memory.
func endlessFree(t *testing.T, path string) {
	patch(t, path, freePage(t, path)*pageSize+10, func(raw []byte) {
		binary.NativeEndian.PutUint16(raw, manyFree)
		binary.NativeEndian.PutUint64(raw[headSize-10:], 1<<40)
	})
}

// pagesOf returns the pages in use of a kind.
func pagesOf(t *testing.T, path string, kind int) (list []int) {
	t.Helper()
	raw := content(t, path)
	err := verifyFile(path, func(w *walker) error {
		err := errors.Join(w.free(), w.tree(w.meta.root))
		for page := range w.seen {
			if id, is, _, _ := head(raw[page*pageSize:]); is == kind && w.seen[page] && id == uint64(page) {
				list = append(list, page)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func freePage(t *testing.T, path string) int { return pagesOf(t, path, freeKind)[0] }

func flip(at int) damage {
	return func(t *testing.T, path string) { patch(t, path, at, func(raw []byte) { raw[0] ^= 4 }) }
}

func both(first, second damage) damage {
	return func(t *testing.T, path string) {
		first(t, path)
		second(t, path)
	}
}

func edit(fn func(tx *bbolt.Tx) error) damage {
	return func(t *testing.T, path string) {
		db, err := bbolt.Open(path, fileMode, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(fn), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func header(text string) damage {
	return edit(func(tx *bbolt.Tx) error {
		if text == "" {
			return headerBucket.in(tx).Delete(headerKey)
		}
		return headerBucket.in(tx).Put(headerKey, []byte(text))
	})
}

func foreign(t *testing.T, path string) {
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	edit(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("accounts"))
		return err
	})(t, path)
}

func directory(t *testing.T, path string) {
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
}

func usedPages(t *testing.T, path string) (pages int) {
	t.Helper()
	db, err := bbolt.Open(path, fileMode, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	_ = db.View(func(tx *bbolt.Tx) error {
		pages = int(tx.Size()) / pageSize
		return nil
	})
	return pages
}

// content returns a file's bytes, or a directory's entries.
func content(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		names, err := os.ReadDir(path)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Append(nil, names)
	}
	return raw
}

// checkNoLeftovers checks that a file is the only one in its directory.
func checkNoLeftovers(t *testing.T, path string) {
	t.Helper()
	names, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(names) != 1 {
		t.Errorf("the directory contains %v, %v", names, err)
	}
}
