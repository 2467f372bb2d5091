package bridge

import (
	"time"

	"github.com/google/uuid"
)

// Message is one thing that must reach one endpoint: a row of the outbox. It is
// written in the same transaction as the change it tells of, and holds no
// token: the claim of an attempt mints one. The JSON names are those at rest.
type Message struct {
	ID           uuid.UUID     `json:"id"` // a UUIDv7; the webhook-id, for life
	Endpoint     string        `json:"endpoint"`
	InvitationID uuid.UUID     `json:"invitation_id"`
	State        MessageState  `json:"state"`
	Payload      Payload       `json:"payload"` // as things were at the event
	CreatedAt    time.Time     `json:"created_at"`
	UpdatedAt    time.Time     `json:"updated_at"`
	DueAt        time.Time     `json:"due_at"`          // of the next attempt, while queued
	Since        time.Time     `json:"since"`           // when its schedule began
	Tries        int           `json:"tries,omitempty"` // attempts begun since then
	Claim        *MessageClaim `json:"claim,omitempty"`
	Attempts     []Attempt     `json:"attempts,omitempty"` // the latest, oldest first
}

// MessageState is where a message is in its life.
type MessageState string

// The states. A failed message is kept until its invitation is purged, and can
// be queued again by a retry.
const (
	MessageQueued  MessageState = "queued"
	MessageSent    MessageState = "sent"
	MessageFailed  MessageState = "failed"
	MessageDropped MessageState = "dropped" // nobody needs it any more
)

// MessageStates returns every state.
func MessageStates() []MessageState {
	return []MessageState{MessageQueued, MessageSent, MessageFailed, MessageDropped}
}

// MessageClaim gives one worker the sole right to attempt, until it lapses. A
// lapsed claim means that the worker died: the message is due again.
type MessageClaim struct {
	ID    uuid.UUID `json:"id"`
	Until time.Time `json:"until"`
}

// Attempt is one finished try.
type Attempt struct {
	At      time.Time     `json:"at"`
	Took    time.Duration `json:"took"` // nanoseconds
	Outcome SendOutcome   `json:"outcome"`
	Status  int           `json:"status,omitempty"` // HTTP status or SMTP reply code
	Detail  string        `json:"detail,omitempty"`
}

// schedule is how long to wait after each attempt that did not succeed. With
// the first at once, ten attempts span 75 h 35 min. The times are those of a
// plan, around which attempts are spread; so the spread does not add up, and
// the whole always bridges an outage of 74 h.
var schedule = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

const (
	jitter         = 0.2              // of each wait, either way
	lastJitter     = 20 * time.Minute // of the last one: so much, and no more
	maxAttempts    = 50               // remembered
	maxRetryAfter  = 24 * time.Hour
	minCourierWait = 10 * time.Second
)

// Next is when the message wants a worker again: at DueAt, or when a claim that
// was never finished lapses. For queued messages only.
func (m Message) Next() time.Time {
	if m.Claim != nil {
		return m.Claim.Until
	}
	return m.DueAt
}

// Begin claims a queued message for one attempt.
func (m Message) Begin(id uuid.UUID, now time.Time, lease time.Duration) Message {
	m.Claim = &MessageClaim{ID: id, Until: now.Add(lease)}
	m.Tries++
	m.UpdatedAt = now
	return m
}

// Holds says whether the claim id is the current one.
func (m Message) Holds(id uuid.UUID) bool {
	return m.State == MessageQueued && m.Claim != nil && m.Claim.ID == id
}

// HandBack gives up a claim without an attempt: the message is due at once.
func (m Message) HandBack(now time.Time) Message {
	m.Claim, m.DueAt, m.UpdatedAt = nil, now, now
	m.Tries--
	return m
}

// Finish notes what came of the claimed attempt that began at begun. deadline
// is when the message loses its sense; zero: never. luck, from 0 to 1, places
// the next attempt within the jitter.
func (m Message) Finish(r Result, begun, now, deadline time.Time, luck float64) Message {
	m.Attempts = append(m.Attempts[:len(m.Attempts):len(m.Attempts)], Attempt{
		At: begun, Took: now.Sub(begun), Outcome: r.Outcome, Status: r.Status, Detail: r.Detail,
	})
	if extra := len(m.Attempts) - maxAttempts; extra > 0 {
		m.Attempts = m.Attempts[extra:]
	}
	m.Claim, m.UpdatedAt = nil, now
	switch r.Outcome {
	case Sent:
		m.State = MessageSent
	case Retry:
		m.again(r, now, deadline, luck)
	default:
		m.State = MessageFailed
	}
	return m
}

// again sets the time of the next attempt, or gives up.
func (m *Message) again(r Result, now, deadline time.Time, luck float64) {
	next, ok := m.planned(now, luck)
	asked := now.Add(min(r.RetryAfter, maxRetryAfter))
	if deadline.IsZero() {
		if !ok {
			m.State = MessageFailed
			return
		}
		m.DueAt = later(next, asked)
		return
	}
	// A receiver that is back an hour before the deadline must be found in that
	// hour: no wait is longer than half of what is left.
	left := deadline.Sub(now)
	if left <= minCourierWait {
		m.State = MessageFailed
		return
	}
	m.DueAt = earlier(later(next, asked), now.Add(max(left/2, minCourierWait)))
}

// planned gives the time of the next attempt; false: there was the last one. If
// the latest attempt was late by more than the spread explains, because nobody
// was there to make it, what is left of the plan moves as much.
func (m *Message) planned(now time.Time, luck float64) (next time.Time, ok bool) {
	n := min(m.Tries, len(schedule))
	var before, wait time.Duration
	for i, w := range schedule[:n] {
		if i < n-1 {
			before += w
		}
		wait = w
	}
	spread := time.Duration(jitter * float64(wait))
	if n == len(schedule) {
		spread = lastJitter
	}
	explained := time.Minute
	if n > 1 {
		explained += time.Duration(jitter * float64(schedule[n-2]))
	}
	if late := now.Sub(m.Since.Add(before)); late > explained {
		m.Since = m.Since.Add(late)
	}
	next = m.Since.Add(before + wait + time.Duration((2*luck-1)*float64(spread)))
	return next.Truncate(time.Microsecond), m.Tries <= len(schedule)
}

// Drop ends a queued message that nobody needs any more.
func (m Message) Drop(now time.Time) Message {
	m.State, m.Claim, m.UpdatedAt = MessageDropped, nil, now
	return m
}

// Fail ends a queued message that can no longer be delivered.
func (m Message) Fail(now time.Time) Message {
	m.State, m.Claim, m.UpdatedAt = MessageFailed, nil, now
	return m
}

// Retry has a failed or a queued message attempted now, with the whole schedule
// before it. One that is being attempted is left to that. ErrMessageEnded for
// any other.
func (m Message) Retry(now time.Time) (Message, error) {
	switch {
	case m.State == MessageFailed, m.State == MessageQueued && m.Claim == nil:
		m.State, m.Tries, m.DueAt, m.Since, m.UpdatedAt = MessageQueued, 0, now, now, now
	case m.State != MessageQueued:
		return m, ErrMessageEnded
	}
	return m, nil
}
