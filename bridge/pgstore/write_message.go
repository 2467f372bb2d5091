package pgstore

import (
	"encoding/json"
	"slices"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var (
	updateMessage  = messages.update()
	insertMessages = messages.insertMany()
	// putMessage is for a message that this transaction has not read. It is new, as a
	// rule. If it is not, its attempts are replaced, and it is not counted twice.
	putMessage = `WITH old AS (SELECT t.id, t.state FROM invitebridge.messages t WHERE t.id = $1),
		replaced AS (DELETE FROM invitebridge.attempts a USING old WHERE a.message_id = old.id),
		counted AS (UPDATE invitebridge.counters SET queued = queued - 1
			WHERE slot = pg_backend_pid() % 64 AND EXISTS (SELECT FROM old WHERE old.state = 'queued'))
		` + messages.insert() + " ON CONFLICT (id) DO UPDATE SET " + messages.excluded()
)

// PutMessage implements [bridge.Tx].
func (t *tx) PutMessage(m bridge.Message) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	after, err := messageRowOf(m)
	if err != nil {
		return err
	}
	before := t.known[m.ID]
	switch {
	case m.InvitationID != uuid.Nil:
		_, err = t.invitationByID(m.InvitationID)
	case before == nil || before.ImportID != m.ImportID: // otherwise it exists, and is locked
		_, err = t.importByID(m.ImportID)
	}
	if err != nil {
		return err
	}
	switch {
	case before == nil && t.fresh.has(m.InvitationID) && !t.careful:
		t.insertMessage(after)
	case before == nil:
		t.write(putMessage, messages.args(after)...)
	default:
		after.payload = before.keep(after.payload)
		t.write(updateMessage, messages.args(after)...)
	}
	t.writeAttempts(before, after)
	t.delta.queued += after.queued() - before.queued()
	t.known[m.ID] = after
	return nil
}

// insertMessage queues a message of an invitation that this transaction has inserted. It
// is new, and so are all messages that share its statement. If one is not, the function
// runs again with a statement for each.
func (t *tx) insertMessage(r *messageRow) {
	if t.newMessages >= len(t.queue) || t.queue[t.newMessages].sql != insertMessages {
		t.newMessages = len(t.queue)
		t.write(insertMessages, messages.arrays(nil)...)
	}
	messages.appendTo(t.queue[t.newMessages].args, r)
}

// keep returns the stored payload if a new one is the same as far as this release knows
// it: a later release may have added fields.
func (r *messageRow) keep(payload string) string {
	m, err := r.message()
	if err != nil {
		return payload
	}
	if known, err := json.Marshal(m.Payload); err != nil || string(known) != payload {
		return payload
	}
	return r.payload
}

// writeAttempts writes the attempts that were added, or all if others have changed.
func (t *tx) writeAttempts(before, after *messageRow) {
	first := 0
	if before != nil {
		first = len(before.Attempts)
		if first > len(after.Attempts) || !slices.Equal(before.Attempts, after.Attempts[:first]) {
			t.write(deleteAttempts, argID(after.ID))
			first = 0
		}
	}
	for i := first; i < len(after.Attempts); i++ {
		t.write(insertAttempt, attemptArgs(after.ID, i, &after.Attempts[i])...)
	}
}
