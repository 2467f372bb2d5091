package boltstore

import (
	"bytes"
	"context"
	"runtime/debug"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// Imports returns the imports that follow an id, with their messages, in the order of
// their ids: not all at once. After the last there are none.
//
// Errors: ErrCorrupt.
func (e *Export) Imports(ctx context.Context, after uuid.UUID) (list []bridge.ImportRecord, err error) {
	err = e.view(ctx, func(t *tx) (err error) {
		list, err = t.importRecords(after)
		return err
	})
	return list, err
}

func (t *tx) importRecords(after uuid.UUID) (list []bridge.ImportRecord, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	size := 0
	c := t.bucket(importsBucket).Cursor()
	k, v := c.Seek(after[:])
	if bytes.Equal(k, after[:]) {
		k, v = c.Next()
	}
	for ; !bytes.Equal(k, highFence) && len(list) < exportRecords && size < exportBytes; k, v = c.Next() {
		r := bridge.ImportRecord{}
		if r.Import, err = t.decodeImport(uuid.UUID(k), v); err != nil {
			return nil, err
		}
		messages, n, err := t.messagesOf(k)
		if err != nil {
			return nil, err
		}
		r.Messages = messages
		size += len(v) + n
		list = append(list, r)
	}
	return list, nil
}

// ImportRows returns the rows of an import with an index of at least from, in the
// order of their index: not all at once. After the last there are none.
//
// Errors: ErrCorrupt.
func (e *Export) ImportRows(ctx context.Context, id uuid.UUID, from int) (list []bridge.ImportRow, err error) {
	err = e.view(ctx, func(t *tx) (err error) {
		list, err = t.exportRows(id, from)
		return err
	})
	return list, err
}

func (t *tx) exportRows(id uuid.UUID, from int) (list []bridge.ImportRow, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	size := 0
	c := t.bucket(importRowsBucket).Cursor()
	for k, v := c.Seek(rowKey(id, from)); bytes.HasPrefix(k, id[:]) && len(list) < exportRecords && size < exportBytes; k, v = c.Next() {
		row, err := t.decodeRow(k, v)
		if err != nil {
			return nil, err
		}
		list = append(list, row)
		size += len(v)
	}
	return list, nil
}

// IdempotentRequests returns the requests whose key follows one; nil: from the first.
// They are in the order of their keys, and not all at once. After the last there are
// none.
//
// Errors: ErrCorrupt.
func (e *Export) IdempotentRequests(ctx context.Context, after *bridge.Digest) (list []bridge.IdempotentRequest, err error) {
	err = e.view(ctx, func(t *tx) (err error) {
		list, err = t.exportRequests(after)
		return err
	})
	return list, err
}

func (t *tx) exportRequests(after *bridge.Digest) (list []bridge.IdempotentRequest, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	c := t.bucket(requestsBucket).Cursor()
	k, v := c.First()
	if after != nil {
		if k, v = c.Seek(after[:]); bytes.Equal(k, after[:]) {
			k, v = c.Next()
		}
	}
	for ; k != nil && len(list) < exportRecords; k, v = c.Next() {
		r, err := t.decodeRequest(bridge.Digest(k), v)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}
