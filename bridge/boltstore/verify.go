package boltstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// A bbolt file begins with two meta pages, written alternately; the later valid
// one counts. bbolt itself accepts a file with only one valid meta page, which
// may lose the last acknowledged commit, and a file shorter than its meta page
// says, which crashes the process with a memory fault. Both are detected here,
// before bbolt writes.
const (
	metaOffset  = 16 // behind the page's own header
	metaSize    = 64
	metaMagic   = 0xED0CDAED
	metaVersion = 2
	minPageSize = 1 << 10 // the smallest and the largest that bbolt tries
	maxPageSize = 16 << 20
)

const restore = "restore the latest backup"

type meta struct {
	pageSize int64
	root     uint64 // the page of the bucket of buckets
	free     uint64 // the page with the list of free pages
	pages    uint64 // how many are in use
	txid     uint64
}

// readMeta reads the meta page at an offset. bolt reports whether it has bbolt's
// magic number, ok whether it is valid.
func readMeta(r io.ReaderAt, offset int64) (m meta, bolt, ok bool) {
	var raw [metaSize]byte
	if _, err := r.ReadAt(raw[:], offset+metaOffset); err != nil {
		return meta{}, false, false
	}
	order := binary.NativeEndian // bbolt writes its structures as they are in memory
	if order.Uint32(raw[0:]) != metaMagic {
		return meta{}, false, false
	}
	sum := fnv.New64a()
	_, _ = sum.Write(raw[:metaSize-8])
	m = meta{
		pageSize: int64(order.Uint32(raw[8:])),
		root:     order.Uint64(raw[16:]),
		free:     order.Uint64(raw[32:]),
		pages:    order.Uint64(raw[40:]),
		txid:     order.Uint64(raw[48:]),
	}
	ok = order.Uint32(raw[4:]) == metaVersion && order.Uint64(raw[56:]) == sum.Sum64() &&
		m.pageSize >= minPageSize && m.pageSize <= maxPageSize
	return m, true, ok
}

// verify checks the meta pages of the file at path and its list of free pages,
// which a writer needs first.
func verify(path string) error {
	return verifyFile(path, (*walker).free)
}

// verifyWhole reads every page that is in use.
func verifyWhole(path string) error {
	return verifyFile(path, func(w *walker) error {
		if err := w.free(); err != nil {
			return err
		}
		return w.tree(w.meta.root)
	})
}

func verifyFile(path string, walk func(*walker) error) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("boltstore: %w", err)
	case !info.Mode().IsRegular():
		return refused(ErrNotAStore, path, "it is not a regular file; use the path of a file")
	case info.Size() == 0:
		return refused(ErrEmpty, path, restore+"; if there never was a store here, delete the file")
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("boltstore: the store file cannot be read; it must belong to the user that runs this program: %w", err)
	}
	defer func() { _ = file.Close() }()
	latest, err := verifyMetas(file, info.Size(), path)
	if err != nil {
		return err
	}
	if err := walk(newWalker(file, latest)); err != nil {
		return corrupt(path, err)
	}
	return nil
}

// verifyMetas returns the meta page that counts.
func verifyMetas(file io.ReaderAt, size int64, path string) (meta, error) {
	first, bolt, ok := readMeta(file, 0)
	if !ok {
		// Only the first meta page has the page size, so all sizes are tried.
		for at := int64(minPageSize); at <= maxPageSize && !bolt; at *= 2 {
			_, bolt, _ = readMeta(file, at)
		}
		if !bolt {
			return meta{}, refused(ErrNotAStore, path, "it is not a bbolt file; use another path for the store, or "+restore)
		}
		return meta{}, refused(ErrCorrupt, path, "its first page is damaged; "+restore)
	}
	second, _, ok := readMeta(file, first.pageSize)
	if !ok || second.pageSize != first.pageSize {
		return meta{}, refused(ErrCorrupt, path, "its second page is damaged; "+restore)
	}
	latest := first
	if second.txid > first.txid {
		latest = second
	}
	if latest.pages < 3 || uint64(size/latest.pageSize) < latest.pages { //nolint:gosec // no file has a negative size
		return meta{}, refused(ErrCorrupt, path, fmt.Sprintf("it has %d bytes instead of %d pages of %d, so its end is missing; %s",
			size, latest.pages, latest.pageSize, restore))
	}
	return latest, nil
}

// missing reports whether nothing exists at path, not even an unreadable file.
func missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, os.ErrNotExist)
}
