package bridge

import (
	"time"

	"github.com/google/uuid"
)

// Message is one event to deliver to one endpoint: a row of the outbox. It is
// written in the same transaction as the change it reports. It holds no token:
// claiming it for an attempt mints one. The JSON names are those in the store.
type Message struct {
	ID           uuid.UUID     `json:"id"` // a UUIDv7; the webhook-id of every attempt
	Endpoint     string        `json:"endpoint"`
	InvitationID uuid.UUID     `json:"invitation_id"`      // zero: it is about an import
	ImportID     uuid.UUID     `json:"import_id,omitzero"` // zero: it is about an invitation
	State        MessageState  `json:"state"`
	Payload      Payload       `json:"payload"` // as of the event
	CreatedAt    time.Time     `json:"created_at"`
	UpdatedAt    time.Time     `json:"updated_at"`
	DueAt        time.Time     `json:"due_at"`          // of the next attempt, while queued
	Since        time.Time     `json:"since"`           // start of its schedule
	Tries        int           `json:"tries,omitempty"` // attempts begun since then
	Claim        *MessageClaim `json:"claim,omitempty"`
	Attempts     []Attempt     `json:"attempts,omitempty"` // the latest maxAttempts, oldest first
}

// MessageState is the lifecycle state of a message.
type MessageState string

// The states. A failed message is kept until its invitation is purged, and can
// be queued again by a retry.
const (
	MessageQueued  MessageState = "queued"
	MessageSent    MessageState = "sent"
	MessageFailed  MessageState = "failed"
	MessageDropped MessageState = "dropped" // no longer needed
)

// MessageStates returns every state.
func MessageStates() []MessageState {
	return []MessageState{MessageQueued, MessageSent, MessageFailed, MessageDropped}
}

// MessageClaim is the exclusive right of one worker to attempt a delivery, until
// it expires. An expired claim means that the worker crashed: the message is due
// again.
type MessageClaim struct {
	ID    uuid.UUID `json:"id"`
	Until time.Time `json:"until"`
}

// Attempt is one finished delivery attempt.
type Attempt struct {
	At      time.Time      `json:"at"`
	Took    time.Duration  `json:"took"` // nanoseconds
	Outcome AttemptOutcome `json:"outcome"`
	Status  int            `json:"status,omitempty"` // HTTP status or SMTP reply code
	Detail  string         `json:"detail,omitempty"`
}

// NextAttemptAt returns when the message next needs a worker: at DueAt, or when
// an unfinished claim expires. For queued messages only.
func (m Message) NextAttemptAt() time.Time {
	if m.Claim != nil {
		return m.Claim.Until
	}
	return m.DueAt
}

// BeginAttempt claims a queued message for one attempt.
func (m Message) BeginAttempt(id uuid.UUID, now time.Time, lease time.Duration) Message {
	m.Claim = &MessageClaim{ID: id, Until: now.Add(lease)}
	m.Tries++
	m.UpdatedAt = now
	return m
}

// HoldsClaim reports whether id is the current claim.
func (m Message) HoldsClaim(id uuid.UUID) bool {
	return m.State == MessageQueued && m.Claim != nil && m.Claim.ID == id
}

// Release returns a claim without an attempt: the message is due immediately.
func (m Message) Release(now time.Time) Message {
	m.Claim, m.DueAt, m.UpdatedAt = nil, now, now
	m.Tries--
	return m
}

// Finish records the result of the claimed attempt. deadline is when the message
// becomes useless; zero: never. random, from 0 to 1, places the next attempt within
// the jitter.
func (m Message) Finish(f FinishedMessage, now, deadline time.Time, random float64) Message {
	r := f.Result
	m.Attempts = append(m.Attempts[:len(m.Attempts):len(m.Attempts)], Attempt{
		At: f.Claimed.Dispatch.At, Took: f.Took, Outcome: r.Outcome, Status: r.Status, Detail: r.Detail,
	})
	if extra := len(m.Attempts) - maxAttempts; extra > 0 {
		m.Attempts = m.Attempts[extra:]
	}
	m.Claim, m.UpdatedAt = nil, now
	switch r.Outcome {
	case AttemptSent:
		m.State = MessageSent
	case AttemptRetry:
		m.scheduleRetry(r, now, deadline, random)
	default:
		m.State = MessageFailed
	}
	return m
}

// Postpone makes a queued message due at a later time, without an attempt.
func (m Message) Postpone(until, now time.Time) Message {
	m.Claim, m.DueAt, m.UpdatedAt = nil, until, now
	return m
}

// isReminderEmail reports whether m is an email that reminds the invitee.
func (m Message) isReminderEmail() bool {
	return m.Payload.Type == EventReminder && m.Endpoint == EndpointCourier
}

// Drop ends a queued message that is no longer needed.
func (m Message) Drop(now time.Time) Message {
	m.State, m.Claim, m.UpdatedAt = MessageDropped, nil, now
	return m
}

// Fail ends a queued message that can no longer be delivered.
func (m Message) Fail(now time.Time) Message {
	m.State, m.Claim, m.UpdatedAt = MessageFailed, nil, now
	return m
}

// Retry makes a failed or queued message due now, and restarts its schedule. A
// message that is being attempted is returned unchanged.
//
// Errors: ErrMessageNotFailed if it was sent or dropped.
func (m Message) Retry(now time.Time) (Message, error) {
	switch {
	case m.State == MessageFailed, m.State == MessageQueued && m.Claim == nil:
		m.State, m.Tries, m.DueAt, m.Since, m.UpdatedAt = MessageQueued, 0, now, now, now
	case m.State != MessageQueued:
		return m, ErrMessageNotFailed
	}
	return m, nil
}
