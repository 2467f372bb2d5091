package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"
)

// Export is a store file that is open to be copied to another store. Until it is
// closed, no other process can open the file.
type Export struct{ store *Store }

// Bounds of what Records returns at once.
const (
	exportRecords = 500
	exportBytes   = 4 << 20
)

// OpenExport opens the store in the file at path to copy it to an address, even if it
// was moved there already: see Header. A file of an earlier format is converted. A
// missing one is not created. The caller must close the Export.
//
// Errors: those of [Open].
func OpenExport(path, address string) (*Export, error) {
	return openExport(path, func(h Header) error {
		if h.MovedTo == address {
			return nil
		}
		return h.refuseMoved(path)
	})
}

func openExport(path string, admit func(Header) error) (*Export, error) {
	if missing(path) {
		return nil, fmt.Errorf("boltstore: there is no store file %s", path)
	}
	h, err := examineAny(path, verify)
	if err == nil {
		err = admit(h)
	}
	if err != nil {
		return nil, err
	}
	s, err := openExamined(path, h, nil)
	if err != nil {
		return nil, err
	}
	return &Export{s}, nil
}

// Header returns the header of the file.
func (e *Export) Header() Header { return e.store.header }

// Path returns the path of the file.
func (e *Export) Path() string { return e.store.db.Path() }

// Close closes the file.
func (e *Export) Close() error { return e.store.Close() }

// View reads the file as [Store.View] does.
func (e *Export) View(ctx context.Context, fn func(bridge.Tx) error) error {
	return e.store.View(ctx, fn)
}

// Version identifies the content of the file: each commit raises it.
func (e *Export) Version(ctx context.Context) (version int64, err error) {
	err = e.view(ctx, func(t *tx) error {
		version = int64(t.bolt.ID())
		return nil
	})
	return version, err
}

// view is Store.View with this package's own Tx.
func (e *Export) view(ctx context.Context, fn func(*tx) error) error {
	return e.store.View(ctx, func(t bridge.Tx) error { return fn(t.(*tx)) })
}

// Count counts the rows by the indexes, and not by what Records returns.
func (e *Export) Count(ctx context.Context) (n bridge.RecordCounts, err error) {
	err = e.view(ctx, func(t *tx) (err error) {
		defer t.guarded(&err, debug.SetPanicOnFault(true))
		n = bridge.RecordCounts{
			Invitations: t.keys(statesBucket), Tokens: t.keys(tokensBucket), Messages: t.keys(messagesBucket), History: t.keys(historyBucket),
			Imports: t.keys(importsBucket), ImportRows: t.keys(importRowsBucket), Requests: t.keys(requestsByTimeBucket),
		}
		return nil
	})
	return n, err
}

// keys counts the keys of a bucket without its fences.
func (t *tx) keys(b bucket) (n int) {
	c := t.bucket(b).Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		n++
	}
	if layout[b].fenced {
		n -= 2
	}
	return n
}

// Records returns the records of the invitations that follow an id, in the order of
// their ids: not all at once. After the last there are none.
//
// Errors: ErrCorrupt.
func (e *Export) Records(ctx context.Context, after uuid.UUID) (list []bridge.Record, err error) {
	err = e.view(ctx, func(t *tx) (err error) {
		list, err = t.records(after)
		return err
	})
	return list, err
}

func (t *tx) records(after uuid.UUID) (list []bridge.Record, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	size := 0
	c := t.bucket(invitationsBucket).Cursor()
	k, v := c.Seek(after[:])
	for belongsTo(k, after[:]) {
		k, v = c.Next()
	}
	for !bytes.Equal(k, highFence) && len(list) < exportRecords && size < exportBytes {
		if len(k) != idSize {
			return nil, t.corrupt("a token has no invitation (at %x)", k)
		}
		r := bridge.Record{}
		if r.Invitation, err = t.decodeInvitation(uuid.UUID(k), v); err != nil {
			return nil, err
		}
		size += len(v)
		id := k
		for k, v = c.Next(); belongsTo(k, id); k, v = c.Next() {
			token, err := t.storedToken(k, v)
			if err != nil {
				return nil, err
			}
			r.Tokens = append(r.Tokens, token)
			size += len(k) + len(v)
		}
		messages, n, err := t.messagesOf(id)
		if err != nil {
			return nil, err
		}
		r.Messages = messages
		size += n
		if r.History, n, err = t.historyOf(id); err != nil {
			return nil, err
		}
		size += n
		list = append(list, r)
	}
	return list, nil
}

// belongsTo reports whether a key is that of an invitation, or of one of its tokens.
func belongsTo(key, id []byte) bool {
	return bytes.HasPrefix(key, id) && len(key) < len(highFence)
}

// storedToken reads the row of a token, which must be found by its digest too.
func (t *tx) storedToken(key, value []byte) (s bridge.StoredToken, err error) {
	id := uuid.UUID(key[:idSize])
	s.Digest = bridge.Digest(key[idSize:])
	if !bytes.Equal(t.bucket(tokensBucket).Get(s.Digest[:]), id[:]) {
		return s, t.corrupt("a token of invitation %s is not in the index", id)
	}
	s.TokenRecord, err = t.decodeToken(id, value)
	return s, err
}

// messagesOf returns the messages of an invitation or import, and their size in the file.
func (t *tx) messagesOf(id []byte) (list []bridge.Message, size int, err error) {
	c := t.bucket(messagesByOwnerBucket).Cursor()
	for k, _ := c.Seek(id); bytes.HasPrefix(k, id) && len(k) == 2*idSize; k, _ = c.Next() {
		m, err := t.messageRow(uuid.UUID(k[idSize:]))
		if err != nil {
			return nil, 0, err
		}
		list = append(list, m)
		size += len(t.bucket(messagesBucket).Get(m.ID[:]))
	}
	return list, size, nil
}

// Seal marks the file as moved. From then on, [Open] and other uses of it return
// ErrMoved, which names where it was moved to, and earlier releases refuse it as one
// of a newer format.
func (e *Export) Seal(movedTo string) error {
	if movedTo == "" {
		return errors.New("boltstore: seal: nothing says where the store was moved to")
	}
	return e.move(movedTo)
}

// move changes where the content of the file is.
func (e *Export) move(to string) error {
	h := e.store.header
	h.MovedTo = to
	value, err := h.encode()
	if err != nil {
		return err
	}
	err = guard(e.Path(), func() error {
		return e.store.db.Update(func(btx *bbolt.Tx) error { return headerBucket.in(btx).Put(headerKey, value) })
	})
	if err != nil {
		return fmt.Errorf("boltstore: the header of %s: %w", e.Path(), err)
	}
	e.store.header = h
	return nil
}

// Unseal lets a file that was moved be opened again, with the content that it had
// then. It returns the header as it was before. A file that was not moved is left as
// it is.
//
// Errors: those of [OpenExport] without ErrMoved.
func Unseal(path string) (before Header, err error) {
	e, err := openExport(path, func(Header) error { return nil })
	if err != nil {
		return Header{}, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	if before = e.Header(); before.MovedTo == "" {
		return before, nil
	}
	return before, e.move("")
}
