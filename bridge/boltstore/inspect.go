package boltstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// A bbolt file begins with two meta pages, written in turn, of which the later
// valid one counts. bbolt itself makes do with one of them, and with a file
// that is shorter than it says; the first may lose the last commit, though it
// was acknowledged, and the second ends in a fault of the whole process. So
// both are looked for here, before bbolt writes.
const (
	metaOffset  = 16 // behind the page's own header
	metaSize    = 64
	metaMagic   = 0xED0CDAED
	metaVersion = 2
	minPageSize = 1 << 10 // the smallest and the largest that bbolt looks for
	maxPageSize = 16 << 20
)

const restore = "restore the latest backup"

type meta struct {
	pageSize int64
	root     uint64 // the page of the bucket of buckets
	free     uint64 // the page with the list of free pages
	pages    uint64 // how many the file has in use
	txid     uint64
}

// readMeta reads the meta page at an offset. bolt says whether it bears the
// mark of one, ok whether it is whole.
func readMeta(r io.ReaderAt, offset int64) (m meta, bolt, ok bool) {
	var raw [metaSize]byte
	if _, err := r.ReadAt(raw[:], offset+metaOffset); err != nil {
		return meta{}, false, false
	}
	order := binary.NativeEndian // bbolt writes its structures as they lie in memory
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

// inspect says whether the file at path can be a whole bbolt file. It reads the
// metas and the list of free pages, which a writer needs first.
func inspect(path string) error {
	return inspectFile(path, (*walker).free)
}

// inspectWhole reads every page that is in use.
func inspectWhole(path string) error {
	return inspectFile(path, func(w *walker) error {
		if err := w.free(); err != nil {
			return err
		}
		return w.tree(w.meta.root)
	})
}

func inspectFile(path string, look func(*walker) error) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("boltstore: %w", err)
	case !info.Mode().IsRegular():
		return refused(ErrForeign, path, "it is no regular file; give the path of a file")
	case info.Size() == 0:
		return refused(ErrEmpty, path, restore+"; or, if there never was a store here, remove the file")
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("boltstore: the store file cannot be read; make its owner the user that runs this program: %w", err)
	}
	defer func() { _ = file.Close() }()
	latest, err := inspectMetas(file, info.Size(), path)
	if err != nil {
		return err
	}
	if err := look(newWalker(file, latest)); err != nil {
		return damaged(path, err)
	}
	return nil
}

// inspectMetas gives the meta that counts.
func inspectMetas(file io.ReaderAt, size int64, path string) (meta, error) {
	first, bolt, ok := readMeta(file, 0)
	if !ok {
		// The second page is where the first would say.
		for at := int64(minPageSize); at <= maxPageSize && !bolt; at *= 2 {
			_, bolt, _ = readMeta(file, at)
		}
		if !bolt {
			return meta{}, refused(ErrForeign, path, "it is no bbolt file; give the store a path of its own, or "+restore)
		}
		return meta{}, refused(ErrDamaged, path, "its first page is broken; "+restore)
	}
	second, _, ok := readMeta(file, first.pageSize)
	if !ok || second.pageSize != first.pageSize {
		return meta{}, refused(ErrDamaged, path, "its second page is broken; "+restore)
	}
	latest := first
	if second.txid > first.txid {
		latest = second
	}
	if latest.pages < 3 || uint64(size/latest.pageSize) < latest.pages { //nolint:gosec // no file has a negative size
		return meta{}, refused(ErrDamaged, path, fmt.Sprintf("it has %d bytes where %d pages of %d belong, so its end was cut off; %s",
			size, latest.pages, latest.pageSize, restore))
	}
	return latest, nil
}

// missing says whether there is nothing at path, not even a file that cannot
// be read.
func missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, os.ErrNotExist)
}
