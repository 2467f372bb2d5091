package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
	"unicode/utf8"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// Import implements [bridge.ImportTx].
func (t *tx) Import(id uuid.UUID) (_ bridge.Import, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.checkOpen(); err != nil {
		return bridge.Import{}, err
	}
	value := t.bucket(importsBucket).Get(id[:])
	if value == nil {
		return bridge.Import{}, bridge.ErrRowNotFound
	}
	return t.decodeImport(id, value)
}

// ListImports implements [bridge.ImportTx].
func (t *tx) ListImports(before uuid.UUID, limit int) (_ []bridge.Import, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.checkOpen(); err != nil {
		return nil, err
	}
	var list []bridge.Import
	walk := t.descend(importsBucket, nil, before)
	for len(list) < limit {
		id, ok := walk()
		if !ok {
			break
		}
		i, err := t.importRow(id)
		if err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return list, nil
}

// DueImports implements [bridge.ImportTx].
func (t *tx) DueImports(now time.Time, limit int) (_ []bridge.Import, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.checkOpen(); err != nil {
		return nil, err
	}
	var list []bridge.Import
	end := string(timeKey(now))
	c := t.bucket(importsDueBucket).Cursor()
	for k, _ := c.First(); k != nil && len(list) < limit && string(k[:timeSize]) <= end; k, _ = c.Next() {
		i, err := t.importRow(uuid.UUID(k[timeSize:]))
		if err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return list, nil
}

// NextImportAt implements [bridge.ImportTx].
func (t *tx) NextImportAt() (_ time.Time, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.checkOpen(); err != nil {
		return time.Time{}, err
	}
	k, _ := t.bucket(importsDueBucket).Cursor().First()
	if k == nil {
		return time.Time{}, nil
	}
	i, err := t.importRow(uuid.UUID(k[timeSize:]))
	return i.DueAt, err
}

// PutImport implements [bridge.ImportTx]. Writing an unchanged import costs nothing.
func (t *tx) PutImport(i bridge.Import) (err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.mayWrite(); err != nil {
		return err
	}
	if i.ID == uuid.Nil {
		return errors.New("boltstore: the import has no id")
	}
	if !slices.Contains(bridge.ImportStates(), i.State) {
		return fmt.Errorf("boltstore: %q is not a state of an import", i.State)
	}
	for _, text := range append([]string{i.CreatedBy, string(i.WaitingFor)}, i.Columns...) {
		if !utf8.ValidString(text) {
			return fmt.Errorf("boltstore: import %s has a text that is not valid UTF-8", i.ID)
		}
	}
	value, err := importCodec.encode(&i)
	if err != nil {
		return err
	}
	var old []entry
	if was := t.bucket(importsBucket).Get(i.ID[:]); was != nil {
		if bytes.Equal(was, value) {
			return nil
		}
		before, err := t.decodeImport(i.ID, was)
		if err != nil {
			return err
		}
		old = importEntries(before)
	}
	t.reindex(old, importEntries(i))
	t.put(importsBucket, i.ID[:], value)
	return t.broken
}

// DeleteImport implements [bridge.ImportTx]. An import that has rows is an error.
func (t *tx) DeleteImport(id uuid.UUID) (err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.mayWrite(); err != nil {
		return err
	}
	was, err := t.Import(id)
	if err != nil {
		return err
	}
	if k, _ := t.bucket(importRowsBucket).Cursor().Seek(id[:]); bytes.HasPrefix(k, id[:]) {
		return fmt.Errorf("boltstore: import %s cannot be deleted: it has rows", id)
	}
	if err := t.deleteMessages(id); err != nil {
		return err
	}
	t.reindex(importEntries(was), nil)
	t.delete(importsBucket, id[:])
	return t.broken
}

// importEntries derives all index entries of an import, from the import alone.
func importEntries(i bridge.Import) []entry {
	if i.DueAt.IsZero() {
		return nil
	}
	list := newEntryList(1)
	list.add(importsDueBucket, []byte{}, timeKey(i.DueAt), i.ID[:])
	return list.all
}

// importRow reads an import that an index refers to.
func (t *tx) importRow(id uuid.UUID) (bridge.Import, error) {
	value := t.bucket(importsBucket).Get(id[:])
	if value == nil {
		return bridge.Import{}, t.corrupt("an index refers to import %s, which is missing", id)
	}
	return t.decodeImport(id, value)
}

func (t *tx) decodeImport(id uuid.UUID, value []byte) (i bridge.Import, err error) {
	if i, err = importCodec.decode(value); err != nil {
		return bridge.Import{}, t.corrupt("import %s: %v", id, err)
	}
	return i, nil
}

func numKey(n int) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, numSize), uint64(n)) //nolint:gosec // not negative
}
