package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"unicode/utf8"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// InsertInvitation implements [bridge.Tx].
func (t *tx) InsertInvitation(inv bridge.Invitation) error { return t.PutInvitation(inv) }

// InsertInvitations implements [bridge.ImportTx].
func (t *tx) InsertInvitations(list ...bridge.Invitation) (conflicts []uuid.UUID, err error) {
	for _, inv := range list {
		switch err := t.PutInvitation(inv); {
		case errors.Is(err, bridge.ErrPendingExists):
			conflicts = append(conflicts, inv.ID)
		case err != nil:
			return nil, err
		}
	}
	return conflicts, nil
}

// PutInvitation implements [bridge.Tx]. Writing an unchanged invitation costs
// nothing.
func (t *tx) PutInvitation(inv bridge.Invitation) (err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	value, err := t.encode(inv)
	if err != nil {
		return err
	}
	indexed := entries(inv)
	if t.conflicts(indexed) {
		return bridge.ErrPendingExists
	}
	var old []entry
	if was := t.bucket(invitationsBucket).Get(inv.ID[:]); was != nil {
		if bytes.Equal(was, value) {
			return nil
		}
		before, err := t.decodeInvitation(inv.ID, was)
		if err != nil {
			return err
		}
		old = entries(before)
	}
	t.reindex(old, indexed)
	t.put(invitationsBucket, inv.ID[:], value)
	return t.broken
}

// conflicts reports whether another row has a unique entry: another pending
// invitation has the same address and schema, or the same identity.
func (t *tx) conflicts(list []entry) bool { return slices.ContainsFunc(list, t.taken) }

func (t *tx) taken(e entry) bool {
	if len(e.value) == 0 {
		return false
	}
	holder := t.bucket(e.bucket).Get(e.key)
	return holder != nil && !bytes.Equal(holder, e.value)
}

// encode returns the JSON of an invitation and rejects what would not be read
// back unchanged: JSON cannot hold text that is not UTF-8, and the indexes cannot
// hold an unknown state.
func (t *tx) encode(inv bridge.Invitation) ([]byte, error) {
	if err := t.mayWrite(); err != nil {
		return nil, err
	}
	if inv.ID == uuid.Nil {
		return nil, errors.New("boltstore: the invitation has no id")
	}
	if stateCode(inv.State) == 0 {
		return nil, fmt.Errorf("boltstore: %q is not a state", inv.State)
	}
	for _, text := range []string{inv.Email, inv.SchemaID, inv.InviterID, inv.InviterName, inv.Locale, inv.ReturnTo, string(inv.Delivery), inv.CreatedBy.String()} {
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("boltstore: invitation %s has a text that is not valid UTF-8", inv.ID)
		}
	}
	return invitationRows.encode(&inv)
}

// PutToken implements [bridge.Tx].
func (t *tx) PutToken(d bridge.Digest, r bridge.TokenRecord) (err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.mayWrite(); err != nil {
		return err
	}
	if t.bucket(invitationsBucket).Get(r.InvitationID[:]) == nil {
		return bridge.ErrRowNotFound
	}
	value, err := tokenRows.encode(&r)
	if err != nil {
		return err
	}
	key := tokenRowKey(r.InvitationID, d)
	if bytes.Equal(t.bucket(invitationsBucket).Get(key), value) {
		return nil
	}
	holder := t.bucket(tokensBucket).Get(d[:])
	if holder != nil && !bytes.Equal(holder, r.InvitationID[:]) {
		t.delete(invitationsBucket, tokenRowKey(uuid.UUID(holder), d))
		holder = nil
	}
	if holder == nil {
		t.put(tokensBucket, d[:], r.InvitationID[:])
	}
	t.put(invitationsBucket, key, value)
	return t.broken
}

// DeleteInvitation implements [bridge.Tx].
func (t *tx) DeleteInvitation(id uuid.UUID) (err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.mayWrite(); err != nil {
		return err
	}
	was, err := t.Invitation(id)
	if err != nil {
		return err
	}
	if err := t.deleteMessages(id); err != nil {
		return err
	}
	// The keys are collected first: a cursor loses its position on a delete.
	var keys [][]byte
	c := t.bucket(invitationsBucket).Cursor()
	for k, _ := c.Seek(id[:]); bytes.HasPrefix(k, id[:]); k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	t.deleteHistory(id)
	t.reindex(entries(was), nil)
	for _, k := range keys {
		if digest := k[idSize:]; len(digest) > 0 {
			t.delete(tokensBucket, digest)
		}
		t.delete(invitationsBucket, k)
	}
	return t.broken
}

// reindex writes only the entries that differ: rewriting an unchanged entry would
// cost the pages above it.
func (t *tx) reindex(before, after []entry) {
	for _, e := range before {
		if !slices.ContainsFunc(after, e.sameKey) {
			t.delete(e.bucket, e.key)
			t.count(e.bucket, -1)
		}
	}
	for _, e := range after {
		if !slices.ContainsFunc(before, e.same) {
			t.put(e.bucket, e.key, e.value)
		}
		if !slices.ContainsFunc(before, e.sameKey) {
			t.count(e.bucket, 1)
		}
	}
}

// count updates the number of entries of a counted bucket.
func (t *tx) count(b bucket, change int) {
	if layout[b].counted {
		t.note(t.bucket(b).SetSequence(t.bucket(b).Sequence() + uint64(change))) //nolint:gosec // -1 wraps around and so subtracts one
	}
}

func (e entry) sameKey(f entry) bool { return e.bucket == f.bucket && bytes.Equal(e.key, f.key) }
func (e entry) same(f entry) bool    { return e.sameKey(f) && bytes.Equal(e.value, f.value) }

func (t *tx) mayWrite() error {
	if err := t.checkOpen(); err != nil {
		return err
	}
	if !t.writable {
		return bridge.ErrReadOnly
	}
	return t.broken
}

// put and delete record the errors of bbolt; their callers return t.broken.
func (t *tx) put(b bucket, key, value []byte) {
	t.wrote = true
	t.note(t.bucket(b).Put(key, value))
}

func (t *tx) delete(b bucket, key []byte) {
	t.wrote = true
	t.note(t.bucket(b).Delete(key))
}

func (t *tx) note(err error) {
	if err != nil {
		t.broken = errors.Join(t.broken, fmt.Errorf("boltstore: write: %w", err))
	}
}
