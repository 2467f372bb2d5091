package pgstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// messageRow is a message as the tables have it.
type messageRow struct {
	bridge.Message        // without Payload and Claim
	payload        string // JSON
	claimed        bool
	claim          bridge.MessageClaim // zero: not claimed
}

var messages = table[messageRow]{"messages", []column[messageRow]{
	{"id", func(r *messageRow) any { return (*id)(&r.ID) }},
	{"endpoint", func(r *messageRow) any { return (*text)(&r.Endpoint) }},
	{"invitation_id", func(r *messageRow) any { return (*optionalID)(&r.InvitationID) }},
	{"state", func(r *messageRow) any { return (*text)(&r.State) }},
	{"payload", func(r *messageRow) any { return &r.payload }},
	{"created_at", func(r *messageRow) any { return (*moment)(&r.CreatedAt) }},
	{"updated_at", func(r *messageRow) any { return (*moment)(&r.UpdatedAt) }},
	{"due_at", func(r *messageRow) any { return (*moment)(&r.DueAt) }},
	{"since", func(r *messageRow) any { return (*moment)(&r.Since) }},
	{"tries", func(r *messageRow) any { return &r.Tries }},
	{"claim_until", func(r *messageRow) any { return &lease{&r.claim.Until, &r.claimed} }},
	{"claim_id", func(r *messageRow) any { return (*optionalID)(&r.claim.ID) }},
	{"import_id", func(r *messageRow) any { return (*optionalID)(&r.ImportID) }},
}}

// attemptsColumn is the further column of a message that is read: its attempts as
// JSON, with the names of [bridge.Attempt].
const attemptsColumn = `(SELECT json_agg(json_build_object('at', a.at, 'took', a.took_ns, 'outcome', a.outcome, ` +
	`'status', a.status, 'detail', a.detail) ORDER BY a.number) FROM invitebridge.attempts a WHERE a.message_id = t.id)`

func attemptsOf(r *messageRow) []any { return []any{&document{to: &r.Attempts}} }

const (
	deleteAttempts = "DELETE FROM invitebridge.attempts WHERE message_id = $1"
	insertAttempt  = "INSERT INTO invitebridge.attempts (message_id, number, at, took_ns, outcome, status, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)"
)

func attemptArgs(message uuid.UUID, number int, a *bridge.Attempt) []any {
	return []any{(*id)(&message), number, (*moment)(&a.At), (*int64)(&a.Took), (*text)(&a.Outcome), a.Status, (*text)(&a.Detail)}
}

// messageRowOf returns the row of a message. It rejects what the tables would not
// give back unchanged, or would refuse: a refused statement ends a transaction.
func messageRowOf(m bridge.Message) (*messageRow, error) {
	if m.ID == uuid.Nil {
		return nil, errors.New("pgstore: the message has no id")
	}
	if !slices.Contains(bridge.MessageStates(), m.State) {
		return nil, fmt.Errorf("pgstore: %q is not a message state", m.State)
	}
	if m.InvitationID != uuid.Nil && m.ImportID != uuid.Nil {
		return nil, fmt.Errorf("pgstore: message %s is about both an invitation and an import", m.ID)
	}
	payload, err := json.Marshal(m.Payload)
	if err != nil {
		return nil, fmt.Errorf("pgstore: the payload of message %s: %w", m.ID, err)
	}
	r := &messageRow{Message: m, payload: string(payload)}
	r.Payload, r.Claim = bridge.Payload{}, nil
	r.Attempts = slices.Clone(m.Attempts) // the caller may change them
	if m.Claim != nil {
		r.claimed, r.claim = true, *m.Claim
	}
	valid := validTexts(messages.args(r))
	for _, a := range m.Attempts {
		valid = valid && utf8.ValidString(a.Detail) && utf8.ValidString(string(a.Outcome))
	}
	if !valid {
		return nil, fmt.Errorf("pgstore: message %s has a text that is not valid UTF-8", m.ID)
	}
	return r, nil
}

// message returns a copy of the message of a row that was read.
func (r *messageRow) message() (bridge.Message, error) {
	m := r.Message
	m.Attempts = slices.Clone(m.Attempts)
	if r.claimed {
		claim := r.claim
		m.Claim = &claim
	}
	if err := json.Unmarshal([]byte(r.payload), &m.Payload); err != nil {
		return bridge.Message{}, fmt.Errorf("pgstore: the payload of message %s: %w", m.ID, err)
	}
	return m, nil
}

// normalize completes a row that was read.
func (r *messageRow) normalize() {
	for i := range r.Attempts {
		a := &r.Attempts[i]
		a.At = a.At.UTC()
		a.Outcome, a.Detail = bridge.AttemptOutcome(unescaper.Replace(string(a.Outcome))), unescaper.Replace(a.Detail)
	}
}

// addOwner adds what an update locks that uses the message.
func (r *messageRow) addOwner(o *owners) {
	if r.ImportID != uuid.Nil {
		o[ofImports] = o[ofImports].with(r.ImportID)
		return
	}
	o[ofInvitations] = o[ofInvitations].with(r.InvitationID)
}

func (r *messageRow) queued() int {
	if r != nil && r.State == bridge.MessageQueued {
		return 1
	}
	return 0
}
