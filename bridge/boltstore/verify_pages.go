package boltstore

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// The layout of bbolt's pages: a header, elements of fixed size, and the data
// that they point to, with offsets from the element. A page may extend over the
// pages that follow it.
const (
	headSize    = 16 // id, kind, number of elements, number of overflow pages
	elementSize = 16 // of a branch: position, key size, page; of a leaf: flags, position, key size, value size
	branchKind  = 1
	leafKind    = 2
	freeKind    = 16

	bucketFlag = 1  // of a leaf element whose value is a bucket
	bucketSize = 16 // root page (0: the single page follows in the value) and sequence

	noFreePages = math.MaxUint64 // instead of the page with the list of free pages
	manyFree    = math.MaxUint16 // the count follows the header instead
)

// walker reads the pages of a file that no process writes, and trusts none of
// them. bbolt follows any page number: past the end of the file, where it
// faults; in a cycle, until memory is exhausted; and its check does so in a
// goroutine of its own, where its caller cannot recover.
type walker struct {
	file io.ReaderAt
	meta meta
	seen []bool // by page
}

func newWalker(file io.ReaderAt, m meta) *walker {
	return &walker{file, m, make([]bool, m.pages)}
}

// free checks the list of free pages.
func (w *walker) free() error {
	_, err := w.freePages()
	return err
}

// freePages returns the list of free pages, in ascending order.
func (w *walker) freePages() ([]uint64, error) {
	if w.meta.free == noFreePages {
		return nil, nil
	}
	raw, kind, count, err := w.page(w.meta.free)
	if err != nil {
		return nil, err
	}
	list, n := raw[headSize:], uint64(count) //nolint:gosec // of 16 bits
	if count == manyFree {
		n, list = binary.NativeEndian.Uint64(list), list[8:]
	}
	if kind != freeKind || n > uint64(len(list)/8) {
		return nil, fmt.Errorf("page %d is not a list of free pages", w.meta.free)
	}
	last, ids := uint64(1), make([]uint64, n)
	for i := range ids {
		id := binary.NativeEndian.Uint64(list[8*i:])
		if id <= last || id >= w.meta.pages {
			return nil, fmt.Errorf("the list of free pages has page %d after page %d", id, last)
		}
		ids[i], last = id, id
	}
	return ids, nil
}

// tree reads a page and all pages below it, including those of nested buckets.
func (w *walker) tree(id uint64) error {
	raw, kind, count, err := w.page(id)
	if err != nil {
		return err
	}
	if kind == leafKind {
		err = w.leaf(raw, count)
	} else if kind == branchKind && count > 0 {
		err = w.branch(raw, count)
	} else {
		return fmt.Errorf("page %d with %d elements has kind %d", id, count, kind)
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

func (w *walker) branch(raw []byte, count int) error {
	for i := range count {
		e, err := element(raw, i)
		if err != nil {
			return err
		}
		order := binary.NativeEndian
		if _, err := part(e, order.Uint32(e), order.Uint32(e[4:])); err != nil {
			return err
		}
		if err := w.tree(order.Uint64(e[8:])); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) leaf(raw []byte, count int) error {
	for i := range count {
		e, err := element(raw, i)
		if err != nil {
			return err
		}
		order := binary.NativeEndian
		at, keySize := order.Uint32(e[4:]), order.Uint32(e[8:])
		both, err := part(e, at, keySize, order.Uint32(e[12:]))
		if err == nil && order.Uint32(e)&bucketFlag != 0 {
			err = w.bucket(both[keySize:])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) bucket(value []byte) error {
	if len(value) < bucketSize {
		return fmt.Errorf("a bucket of %d bytes", len(value))
	}
	root, inline := binary.NativeEndian.Uint64(value), value[bucketSize:]
	if root != 0 {
		return w.tree(root)
	}
	if len(inline) < headSize {
		return fmt.Errorf("a bucket of %d bytes", len(value))
	}
	_, kind, count, _ := head(inline)
	if kind != leafKind {
		return fmt.Errorf("a bucket of kind %d", kind)
	}
	return w.leaf(inline, count)
}

// page reads a page with its overflow pages. It returns an error if one of them
// was read before.
func (w *walker) page(id uint64) (raw []byte, kind, count int, err error) {
	raw = make([]byte, headSize)
	if err := w.read(raw, id); err != nil {
		return nil, 0, 0, err
	}
	is, kind, count, more := head(raw)
	if is != id {
		return nil, 0, 0, fmt.Errorf("page %d claims to be page %d", id, is)
	}
	for i := id; i <= id+more; i++ {
		if i >= w.meta.pages || w.seen[i] {
			return nil, 0, 0, fmt.Errorf("page %d is past the end, or used twice", i)
		}
		w.seen[i] = true
	}
	raw = make([]byte, (int64(more)+1)*w.meta.pageSize) //nolint:gosec // no more than the file has
	return raw, kind, count, w.read(raw, id)
}

func (w *walker) read(raw []byte, id uint64) error {
	if id < 2 || id >= w.meta.pages {
		return fmt.Errorf("there is no page %d", id)
	}
	if _, err := w.file.ReadAt(raw, int64(id)*w.meta.pageSize); err != nil { //nolint:gosec // below the file's size
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

func head(raw []byte) (id uint64, kind, count int, more uint64) {
	order := binary.NativeEndian
	return order.Uint64(raw), int(order.Uint16(raw[8:])), int(order.Uint16(raw[10:])), uint64(order.Uint32(raw[12:]))
}

// element returns the page from its i-th element on.
func element(raw []byte, i int) ([]byte, error) {
	at := headSize + i*elementSize
	if at+elementSize > len(raw) {
		return nil, fmt.Errorf("element %d is not in the page", i)
	}
	return raw[at:], nil
}

// part returns the data that an element points to: a key, in leaves followed by
// a value.
func part(e []byte, at, keySize uint32, valueSize ...uint32) ([]byte, error) {
	end := uint64(at) + uint64(keySize)
	for _, size := range valueSize {
		end += uint64(size)
	}
	if keySize == 0 || end > uint64(len(e)) {
		return nil, fmt.Errorf("a key of %d bytes at %d is not in the page", keySize, at)
	}
	return e[at:end], nil
}
