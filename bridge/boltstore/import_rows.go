package boltstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime/debug"
	"slices"
	"unicode/utf8"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// ImportRows implements [bridge.ImportTx].
func (t *tx) ImportRows(q bridge.ImportRowQuery) (_ []bridge.ImportRow, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.checkOpen(); err != nil {
		return nil, err
	}
	if q.Result != "" && resultCode(q.Result) == 0 {
		return nil, nil
	}
	b, prefix := importRowsBucket, q.ImportID[:]
	if q.Result != "" {
		b, prefix = importResultsBucket, resultPrefix(q.ImportID, q.Result)
	}
	var list []bridge.ImportRow
	c := t.bucket(b).Cursor()
	from := append(bytes.Clone(prefix), numKey(max(q.From, 0))...)
	for k, v := c.Seek(from); bytes.HasPrefix(k, prefix) && len(list) < q.Limit; k, v = c.Next() {
		if q.Result != "" {
			v = t.bucket(importRowsBucket).Get(append(q.ImportID[:], k[len(prefix):]...))
		}
		row, err := t.decodeRow(k, v)
		if err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, nil
}

// PutImportRows implements [bridge.ImportTx]. Writing unchanged rows costs nothing.
func (t *tx) PutImportRows(id uuid.UUID, rows ...bridge.ImportRow) (err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.mayWrite(); err != nil {
		return err
	}
	if t.bucket(importsBucket).Get(id[:]) == nil {
		return bridge.ErrRowNotFound
	}
	values := make([][]byte, len(rows))
	for i := range rows {
		if values[i], err = encodeRow(&rows[i]); err != nil {
			return err
		}
	}
	for i := range rows {
		if err := t.putRow(id, &rows[i], values[i]); err != nil {
			return err
		}
	}
	return nil
}

// encodeRow returns the JSON of a row and rejects what would not be read back
// unchanged.
func encodeRow(row *bridge.ImportRow) ([]byte, error) {
	switch {
	case row.Index < 0 || row.Line < 0:
		return nil, fmt.Errorf("boltstore: an import has no row %d at line %d", row.Index, row.Line)
	case row.Result != "" && resultCode(row.Result) == 0:
		return nil, fmt.Errorf("boltstore: %q is not a result of a row", row.Result)
	case len(row.Body) == 0:
		return nil, fmt.Errorf("boltstore: row %d has no body", row.Index)
	}
	for _, text := range []string{row.Key, row.ErrorID, row.Reason} {
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("boltstore: row %d has a text that is not valid UTF-8", row.Index)
		}
	}
	return importRowCodec.encode(row)
}

func (t *tx) putRow(id uuid.UUID, row *bridge.ImportRow, value []byte) error {
	key := rowKey(id, row.Index)
	var old []entry
	if was := t.bucket(importRowsBucket).Get(key); was != nil {
		if bytes.Equal(was, value) {
			return nil
		}
		before, err := t.decodeRow(key, was)
		if err != nil {
			return err
		}
		old = rowEntries(id, &before)
	}
	indexed := rowEntries(id, row)
	if slices.ContainsFunc(indexed, func(e entry) bool { return t.taken(e) && !slices.ContainsFunc(old, e.sameKey) }) {
		t.note(fmt.Errorf("another row of import %s has the key of row %d", id, row.Index))
		return t.broken
	}
	t.reindex(old, indexed)
	t.put(importRowsBucket, key, value)
	return t.broken
}

// FirstLines implements [bridge.ImportTx].
func (t *tx) FirstLines(id uuid.UUID, keys ...string) (_ map[string]int, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.checkOpen(); err != nil {
		return nil, err
	}
	lines := make(map[string]int)
	b := t.bucket(importKeysBucket)
	for _, key := range keys {
		if v := b.Get(append(id[:], hash(key)...)); v != nil && key != "" {
			lines[key] = int(binary.BigEndian.Uint64(v)) //nolint:gosec // numKey wrote it
		}
	}
	return lines, nil
}

// DeleteImportRows implements [bridge.ImportTx].
func (t *tx) DeleteImportRows(id uuid.UUID, limit int) (_ int, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.mayWrite(); err != nil {
		return 0, err
	}
	rows, err := t.ImportRows(bridge.ImportRowQuery{ImportID: id, Limit: limit})
	if err != nil {
		return 0, err
	}
	for i := range rows {
		t.reindex(rowEntries(id, &rows[i]), nil)
		t.delete(importRowsBucket, rowKey(id, rows[i].Index))
	}
	return len(rows), t.broken
}

// rowEntries derives all index entries of a row, from the row alone.
func rowEntries(id uuid.UUID, row *bridge.ImportRow) []entry {
	list := newEntryList(2)
	if row.Key != "" {
		list.add(importKeysBucket, numKey(row.Line), id[:], hash(row.Key))
	}
	if row.Result != "" {
		list.add(importResultsBucket, []byte{}, resultPrefix(id, row.Result), numKey(row.Index))
	}
	return list.all
}

func rowKey(id uuid.UUID, index int) []byte { return append(id[:], numKey(index)...) }

func resultPrefix(id uuid.UUID, r bridge.ImportResult) []byte { return append(id[:], resultCode(r)) }

// resultCode returns the byte of a row's result; 0 for an unknown result.
func resultCode(r bridge.ImportResult) byte {
	switch r {
	case bridge.ResultInvited:
		return 'i'
	case bridge.ResultAdopted:
		return 'a'
	case bridge.ResultAlreadyPending:
		return 'p'
	case bridge.ResultAlreadyActive:
		return 'c'
	case bridge.ResultSkippedRevoked:
		return 'r'
	case bridge.ResultSkippedExpired:
		return 'e'
	case bridge.ResultDuplicate:
		return 'd'
	case bridge.ResultFailed:
		return 'f'
	}
	return 0
}

// decodeRow decodes the row of an import to which a key of its rows or of an index
// refers.
func (t *tx) decodeRow(key, value []byte) (row bridge.ImportRow, err error) {
	if value == nil {
		return bridge.ImportRow{}, t.corrupt("an index refers to row %x of import %s, which is missing", key[len(key)-numSize:], uuid.UUID(key[:idSize]))
	}
	if row, err = importRowCodec.decode(value); err != nil {
		return bridge.ImportRow{}, t.corrupt("row %x of import %s: %v", key[len(key)-numSize:], uuid.UUID(key[:idSize]), err)
	}
	return row, nil
}
