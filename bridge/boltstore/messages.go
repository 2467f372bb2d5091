package boltstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"unicode/utf8"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// Message implements [bridge.Tx].
func (t *tx) Message(id uuid.UUID) (_ bridge.Message, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.alive(); err != nil {
		return bridge.Message{}, err
	}
	value := t.bucket(messagesBucket).Get(id[:])
	if value == nil {
		return bridge.Message{}, bridge.ErrMissing
	}
	return t.decodeMessage(id, value)
}

// QueuedMessages implements [bridge.Tx].
func (t *tx) QueuedMessages(endpoint string, limit int) (_ []bridge.Message, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.alive(); err != nil {
		return nil, err
	}
	var list []bridge.Message
	prefix := hash(endpoint)
	c := t.bucket(outboxBucket).Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix) && len(list) < limit; k, _ = c.Next() {
		m, err := t.messageRow(uuid.UUID(k[hashSize+timeSize:]))
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// ListMessages implements [bridge.Tx].
func (t *tx) ListMessages(q bridge.MessageQuery) (_ []bridge.Message, err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.alive(); err != nil {
		return nil, err
	}
	if q.State != "" && outcomeCode(q.State) == 0 {
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
		if q.State == "" || q.State == m.State {
			list = append(list, m)
		}
	}
	return list, nil
}

func (t *tx) planMessages(q bridge.MessageQuery) ids {
	switch {
	case q.InvitationID != uuid.Nil:
		return t.down(belongingBucket, q.InvitationID[:], q.Before)
	case q.State != "":
		return t.down(outcomesBucket, []byte{outcomeCode(q.State)}, q.Before)
	default:
		return t.down(messagesBucket, nil, q.Before)
	}
}

// PutMessage implements [bridge.Tx]. Writing what is there already costs
// nothing.
func (t *tx) PutMessage(m bridge.Message) (err error) {
	defer t.guarded(&err, debug.SetPanicOnFault(true))
	if err := t.mayWrite(); err != nil {
		return err
	}
	if m.ID == uuid.Nil {
		return errors.New("boltstore: a message without an id")
	}
	if outcomeCode(m.State) == 0 {
		return fmt.Errorf("boltstore: %q is no state of a message", m.State)
	}
	if !utf8.ValidString(m.Endpoint) {
		return fmt.Errorf("boltstore: the endpoint of the message %s is not UTF-8", m.ID)
	}
	if t.bucket(invitationsBucket).Get(m.InvitationID[:]) == nil {
		return bridge.ErrMissing
	}
	value, err := json.Marshal(m)
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

// deleteMessages removes the messages of an invitation.
func (t *tx) deleteMessages(id uuid.UUID) error {
	// The keys are collected first: a cursor loses its place when it deletes.
	var list []uuid.UUID
	c := t.bucket(belongingBucket).Cursor()
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

// messageEntries derives every index entry from a message, and from it alone.
func messageEntries(m bridge.Message) []entry {
	none, id := []byte{}, m.ID[:]
	list := []entry{
		{belongingBucket, append(m.InvitationID[:], id...), none},
		{outcomesBucket, append([]byte{outcomeCode(m.State)}, id...), none},
	}
	if m.State == bridge.MessageQueued {
		key := append(hash(m.Endpoint), timeKey(m.Next())...)
		list = append(list, entry{outboxBucket, append(key, id...), none})
	}
	return list
}

// outcomeCode gives the byte of a message's state; 0 for what is no state.
func outcomeCode(s bridge.MessageState) byte {
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

// messageRow reads a message that an index says is there.
func (t *tx) messageRow(id uuid.UUID) (bridge.Message, error) {
	value := t.bucket(messagesBucket).Get(id[:])
	if value == nil {
		return bridge.Message{}, t.damaged("an index names the message %s, which is missing", id)
	}
	return t.decodeMessage(id, value)
}

func (t *tx) decodeMessage(id uuid.UUID, value []byte) (m bridge.Message, err error) {
	if err = json.Unmarshal(value, &m); err != nil {
		return bridge.Message{}, t.damaged("the message %s: %v", id, err)
	}
	return m, nil
}
