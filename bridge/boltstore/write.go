package boltstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"unicode/utf8"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// PutInvitation implements [bridge.Tx]. Writing what is there already costs
// nothing.
func (t *tx) PutInvitation(inv bridge.Invitation) (err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	value, err := t.encode(inv)
	if err != nil {
		return err
	}
	if inv.State == bridge.StatePending && t.taken(inv) {
		return bridge.ErrTaken
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
	t.reindex(old, entries(inv))
	t.put(invitationsBucket, inv.ID[:], value)
	return t.broken
}

// taken says whether another pending invitation has the address or the identity.
func (t *tx) taken(inv bridge.Invitation) bool {
	byEmail := t.bucket(emailsBucket).Get(pendingKey(inv.Email, inv.SchemaID))
	byIdentity := t.bucket(identitiesBucket).Get(identityPrefix(inv.IdentityID, pendingMark))
	return byEmail != nil && !bytes.Equal(byEmail, inv.ID[:]) || byIdentity != nil && !bytes.Equal(byIdentity, inv.ID[:])
}

// encode also keeps out what would not come back as it is: JSON has no bytes
// that are no text, and an index has no state that is none.
func (t *tx) encode(inv bridge.Invitation) ([]byte, error) {
	if err := t.mayWrite(); err != nil {
		return nil, err
	}
	if inv.ID == uuid.Nil {
		return nil, errors.New("boltstore: an invitation without an id")
	}
	if stateCode(inv.State) == 0 {
		return nil, fmt.Errorf("boltstore: %q is no state", inv.State)
	}
	for _, text := range []string{inv.Email, inv.SchemaID, inv.InviterID, inv.InviterName, inv.Locale, inv.ReturnTo, string(inv.Delivery)} {
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("boltstore: the invitation %s has a text that is not UTF-8", inv.ID)
		}
	}
	return json.Marshal(inv)
}

// PutToken implements [bridge.Tx].
func (t *tx) PutToken(d bridge.Digest, r bridge.TokenRecord) (err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.mayWrite(); err != nil {
		return err
	}
	if t.bucket(invitationsBucket).Get(r.InvitationID[:]) == nil {
		return bridge.ErrMissing
	}
	value, err := json.Marshal(r)
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
	// The keys are collected first: a cursor loses its place when it deletes.
	var keys [][]byte
	c := t.bucket(invitationsBucket).Cursor()
	for k, _ := c.Seek(id[:]); bytes.HasPrefix(k, id[:]); k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	t.reindex(entries(was), nil)
	for _, k := range keys {
		if digest := k[idSize:]; len(digest) > 0 {
			t.delete(tokensBucket, digest)
		}
		t.delete(invitationsBucket, k)
	}
	return t.broken
}

// reindex writes only what differs: an entry that stays where it is would cost
// the pages above it.
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

// count keeps the number of entries of a bucket that is counted.
func (t *tx) count(b bucket, change int) {
	if layout[b].counted {
		t.note(t.bucket(b).SetSequence(t.bucket(b).Sequence() + uint64(change))) //nolint:gosec // -1 wraps around, and so takes one off
	}
}

func (e entry) sameKey(f entry) bool { return e.bucket == f.bucket && bytes.Equal(e.key, f.key) }
func (e entry) same(f entry) bool    { return e.sameKey(f) && bytes.Equal(e.value, f.value) }

func (t *tx) mayWrite() error {
	if err := t.alive(); err != nil {
		return err
	}
	if !t.writable {
		return ErrReadOnly
	}
	return t.broken
}

// put and delete note what bbolt refuses; whoever calls them reports t.broken.
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
