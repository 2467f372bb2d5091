package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"unicode/utf8"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// AppendHistory implements [bridge.Tx].
func (t *tx) AppendHistory(entries ...bridge.HistoryEntry) (err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.mayWrite(); err != nil {
		return err
	}
	values := make([][]byte, len(entries))
	for i := range entries {
		if values[i], err = t.encodeEntry(&entries[i]); err != nil {
			return err
		}
	}
	for i, e := range entries {
		if key := entryKey(e.InvitationID, e.ID); t.bucket(historyBucket).Get(key) == nil {
			t.put(historyBucket, key, values[i])
		}
	}
	return t.broken
}

// encodeEntry returns the JSON of an entry, and rejects what would not be read back
// unchanged.
func (t *tx) encodeEntry(e *bridge.HistoryEntry) ([]byte, error) {
	if e.ID == uuid.Nil {
		return nil, errors.New("boltstore: the entry of a history has no id")
	}
	for _, text := range []string{string(e.Action), string(e.By.Kind), e.By.ID, e.RequestID} {
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("boltstore: entry %s of a history has a text that is not valid UTF-8", e.ID)
		}
	}
	if t.bucket(invitationsBucket).Get(e.InvitationID[:]) == nil {
		return nil, bridge.ErrRowNotFound
	}
	return historyRows.encode(e)
}

// ListHistory implements [bridge.Tx].
func (t *tx) ListHistory(q bridge.HistoryQuery) (list []bridge.HistoryEntry, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.checkOpen(); err != nil {
		return nil, err
	}
	walk := t.descend(historyBucket, q.InvitationID[:], q.Before)
	for len(list) < q.Limit {
		id, ok := walk()
		if !ok {
			break
		}
		key := entryKey(q.InvitationID, id)
		e, err := t.decodeEntry(key, t.bucket(historyBucket).Get(key))
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// historyOf returns the history of an invitation, oldest first, and its size in the file.
func (t *tx) historyOf(id []byte) (list []bridge.HistoryEntry, size int, err error) {
	c := t.bucket(historyBucket).Cursor()
	for k, v := c.Seek(id); isEntryOf(k, id); k, v = c.Next() {
		e, err := t.decodeEntry(k, v)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, e)
		size += len(k) + len(v)
	}
	return list, size, nil
}

func (t *tx) deleteHistory(id uuid.UUID) {
	// The keys are collected first: a cursor loses its position on a delete.
	var keys [][]byte
	c := t.bucket(historyBucket).Cursor()
	for k, _ := c.Seek(id[:]); isEntryOf(k, id[:]); k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	for _, k := range keys {
		t.delete(historyBucket, k)
	}
}

func entryKey(invitation, id uuid.UUID) []byte { return append(invitation[:], id[:]...) }

// isEntryOf reports whether a key is that of an entry of an invitation, and no fence.
func isEntryOf(key, id []byte) bool { return bytes.HasPrefix(key, id) && len(key) == 2*idSize }

func (t *tx) decodeEntry(key, value []byte) (e bridge.HistoryEntry, err error) {
	if e, err = historyRows.decode(value); err != nil {
		return bridge.HistoryEntry{}, t.corrupt("entry %x of a history: %v", key, err)
	}
	return e, nil
}
