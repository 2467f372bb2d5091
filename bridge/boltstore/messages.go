package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
	"unicode/utf8"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// Message implements [bridge.Tx].
func (t *tx) Message(id uuid.UUID) (_ bridge.Message, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.checkOpen(); err != nil {
		return bridge.Message{}, err
	}
	value := t.bucket(messagesBucket).Get(id[:])
	if value == nil {
		return bridge.Message{}, bridge.ErrRowNotFound
	}
	return t.decodeMessage(id, value)
}

// Messages implements [bridge.Tx].
func (t *tx) Messages(ids ...uuid.UUID) ([]bridge.Message, error) { return found(ids, t.Message) }

// QueuedMessages implements [bridge.Tx].
func (t *tx) QueuedMessages(endpoint string, limit int) ([]bridge.Message, error) {
	return t.queued(endpoint, limit, func(bridge.Message) bool { return true })
}

// DueMessages implements [bridge.Tx].
func (t *tx) DueMessages(endpoint string, now time.Time, limit int) ([]bridge.Message, error) {
	return t.queued(endpoint, limit, func(m bridge.Message) bool { return !m.NextAttemptAt().After(now) })
}

// queued reads the queue of an endpoint up to the first message that is not wanted,
// without those of unknown events.
func (t *tx) queued(endpoint string, limit int, wanted func(bridge.Message) bool) (_ []bridge.Message, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.checkOpen(); err != nil {
		return nil, err
	}
	var list []bridge.Message
	prefix, known := hash(endpoint), bridge.Events()
	c := t.bucket(outboxBucket).Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix) && len(list) < limit; k, _ = c.Next() {
		m, err := t.messageRow(uuid.UUID(k[hashSize+timeSize:]))
		if err != nil {
			return nil, err
		}
		if !wanted(m) {
			break
		}
		if slices.Contains(known, m.Payload.Type) {
			list = append(list, m)
		}
	}
	return list, nil
}

// ListMessages implements [bridge.Tx].
func (t *tx) ListMessages(q bridge.MessageQuery) (_ []bridge.Message, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.checkOpen(); err != nil {
		return nil, err
	}
	if q.State != "" && messageStateCode(q.State) == 0 {
		return nil, nil
	}
	var list []bridge.Message
	walk := t.planMessages(q)
	for len(list) < q.Limit {
		id, ok := walk()
		if !ok {
			break
		}
		m, err := t.messageRow(id)
		if err != nil {
			return nil, err
		}
		if (q.State == "" || q.State == m.State) && (q.InvitationID == uuid.Nil || q.InvitationID == m.InvitationID) {
			list = append(list, m)
		}
	}
	return list, nil
}

func (t *tx) planMessages(q bridge.MessageQuery) idIterator {
	switch {
	case q.InvitationID != uuid.Nil:
		return t.descend(messagesByOwnerBucket, q.InvitationID[:], q.Before)
	case q.State != "":
		return t.descend(outcomesBucket, []byte{messageStateCode(q.State)}, q.Before)
	default:
		return t.descend(messagesBucket, nil, q.Before)
	}
}

// PutMessage implements [bridge.Tx]. Writing an unchanged message costs nothing.
func (t *tx) PutMessage(m bridge.Message) (err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.mayWrite(); err != nil {
		return err
	}
	if m.ID == uuid.Nil {
		return errors.New("boltstore: the message has no id")
	}
	if m.InvitationID != uuid.Nil && m.ImportID != uuid.Nil {
		return fmt.Errorf("boltstore: message %s is about an invitation and an import", m.ID)
	}
	if messageStateCode(m.State) == 0 {
		return fmt.Errorf("boltstore: %q is not a message state", m.State)
	}
	if !utf8.ValidString(m.Endpoint) {
		return fmt.Errorf("boltstore: the endpoint of message %s is not valid UTF-8", m.ID)
	}
	if !t.hasOwner(m) {
		return bridge.ErrRowNotFound
	}
	value, err := messageRows.encode(&m)
	if err != nil {
		return err
	}
	var old []entry
	if was := t.bucket(messagesBucket).Get(m.ID[:]); was != nil {
		if bytes.Equal(was, value) {
			return nil
		}
		before, err := t.decodeMessage(m.ID, was)
		if err != nil {
			return err
		}
		old = messageEntries(before)
	}
	t.reindex(old, messageEntries(m))
	t.put(messagesBucket, m.ID[:], value)
	return t.broken
}

// hasOwner reports whether the invitation or import of a message is in the store.
func (t *tx) hasOwner(m bridge.Message) bool {
	b, owner := invitationsBucket, m.InvitationID
	if owner == uuid.Nil {
		b, owner = importsBucket, m.ImportID
	}
	return t.bucket(b).Get(owner[:]) != nil
}

// ownerOf returns the id of the invitation or import that a message is about.
func ownerOf(m bridge.Message) uuid.UUID {
	if m.InvitationID == uuid.Nil {
		return m.ImportID
	}
	return m.InvitationID
}

// deleteMessages removes the messages of an invitation or import.
func (t *tx) deleteMessages(id uuid.UUID) error {
	// The keys are collected first: a cursor loses its position on a delete.
	var list []uuid.UUID
	c := t.bucket(messagesByOwnerBucket).Cursor()
	for k, _ := c.Seek(id[:]); bytes.HasPrefix(k, id[:]) && len(k) == 2*idSize; k, _ = c.Next() {
		list = append(list, uuid.UUID(k[idSize:]))
	}
	for _, mid := range list {
		m, err := t.messageRow(mid)
		if err != nil {
			return err
		}
		t.reindex(messageEntries(m), nil)
		t.delete(messagesBucket, mid[:])
	}
	return nil
}

// messageEntries derives all index entries of a message, from the message alone.
func messageEntries(m bridge.Message) []entry {
	list := newEntryList(3)
	none, id, owner := []byte{}, m.ID[:], ownerOf(m)
	list.add(messagesByOwnerBucket, none, owner[:], id)
	list.add(outcomesBucket, none, []byte{messageStateCode(m.State)}, id)
	if m.State == bridge.MessageQueued {
		list.add(outboxBucket, none, hash(m.Endpoint), timeKey(m.NextAttemptAt()), id)
	}
	return list.all
}

// messageStateCode returns the byte of a message's state; 0 for an unknown state.
func messageStateCode(s bridge.MessageState) byte {
	switch s {
	case bridge.MessageQueued:
		return 'q'
	case bridge.MessageSent:
		return 's'
	case bridge.MessageFailed:
		return 'f'
	case bridge.MessageDropped:
		return 'd'
	}
	return 0
}

// messageRow reads a message that an index refers to.
func (t *tx) messageRow(id uuid.UUID) (bridge.Message, error) {
	value := t.bucket(messagesBucket).Get(id[:])
	if value == nil {
		return bridge.Message{}, t.corrupt("an index refers to message %s, which is missing", id)
	}
	return t.decodeMessage(id, value)
}

func (t *tx) decodeMessage(id uuid.UUID, value []byte) (m bridge.Message, err error) {
	if m, err = messageRows.decode(value); err != nil {
		return bridge.Message{}, t.corrupt("message %s: %v", id, err)
	}
	return m, nil
}
