package bridge

import (
	"errors"
	"time"

	"github.com/google/uuid"
)

// State is where an invitation is in its life.
type State string

// The states. Only a pending invitation can be accepted. Of the others, only
// an expired one can become pending again, by a resend.
const (
	StatePending  State = "pending"
	StateAccepted State = "accepted"
	StateExpired  State = "expired"
	StateRevoked  State = "revoked"
)

// States returns every state.
func States() []State {
	return []State{StatePending, StateAccepted, StateExpired, StateRevoked}
}

// Delivery says how the invitee is being told.
type Delivery string

// The deliveries, of the latest e-mail to the invitee.
const (
	DeliveryOff    Delivery = "off" // there is none: the caller passes the link on
	DeliveryQueued Delivery = "queued"
	DeliverySent   Delivery = "sent"
	DeliveryFailed Delivery = "failed"
)

// Invitation is an offer to one e-mail address to become an active identity.
// The JSON names are those at rest. Times are UTC in microseconds, zero where
// the thing has not happened.
type Invitation struct {
	ID          uuid.UUID     `json:"id"` // a UUIDv7: ordered by time, harmless to log
	State       State         `json:"state"`
	Email       string        `json:"email"` // canonical, see [ParseEmail]
	IdentityID  uuid.UUID     `json:"identity_id"`
	SchemaID    string        `json:"schema_id"`
	InviterID   string        `json:"inviter_id,omitempty"`
	InviterName string        `json:"inviter_name,omitempty"`
	Locale      string        `json:"locale,omitempty"`
	ReturnTo    string        `json:"return_to,omitempty"`
	Lifespan    time.Duration `json:"lifespan"` // what a resend grants anew
	Delivery    Delivery      `json:"delivery"`
	Epoch       int           `json:"epoch,omitempty"` // counts revivals; see TokenRecord
	CreatedAt   time.Time     `json:"created_at"`
	UpdatedAt   time.Time     `json:"updated_at"`
	ExpiresAt   time.Time     `json:"expires_at"`
	AcceptedAt  time.Time     `json:"accepted_at,omitzero"`
	RevokedAt   time.Time     `json:"revoked_at,omitzero"`
	AnnouncedAt time.Time     `json:"announced_at,omitzero"` // when the invitee was last to be told
	HookedAt    time.Time     `json:"hooked_at,omitzero"`    // when hooks were last to be told of a token
	SentAt      time.Time     `json:"sent_at,omitzero"`      // when an e-mail was last taken over by the mail system
	SendCount   int           `json:"send_count,omitempty"`
	Claim       *Claim        `json:"claim,omitempty"` // while an acceptance is under way
	Doubt       bool          `json:"doubt,omitempty"` // a claim was settled by looking; see Settle
}

// Claim gives one caller the sole right to accept, until it lapses. Its lease
// outlasts everything that the caller may be waiting for.
type Claim struct {
	ID    uuid.UUID `json:"id"`
	Until time.Time `json:"until"`
	// UnsettledAt is when Kratos was asked and gave no answer: from then on,
	// nobody is at work, and nobody knows. Zero: the caller is at work.
	UnsettledAt time.Time `json:"unsettled_at,omitzero"`
	// Inherited: the claim was taken over, so an earlier request may have had
	// its effect whatever comes of this one.
	Inherited bool `json:"inherited,omitempty"`
}

// settleDelay is how long after a lost answer the request may still take
// effect in Kratos (400 ms were measured). Nobody may take over before.
const settleDelay = 2 * time.Second

// Due says whether the invitation is pending and its time has run out. A claim
// suspends that: who began in time may finish.
func (i Invitation) Due(now time.Time) bool {
	return i.State == StatePending && i.Claim == nil && !now.Before(i.ExpiresAt)
}

// Usable returns nil if a token of this invitation can be used now; else
// ErrExpired, ErrRevoked or ErrAccepted.
func (i Invitation) Usable(now time.Time) error {
	switch {
	case i.State == StateAccepted:
		return ErrAccepted
	case i.State == StateRevoked:
		return ErrRevoked
	case i.State == StateExpired || i.Due(now):
		return ErrExpired
	}
	return nil
}

// UsableBy is Usable for one token: also ErrExpired if the token died in an
// earlier life of the invitation.
func (i Invitation) UsableBy(r TokenRecord, now time.Time) error {
	if err := i.Usable(now); err != nil {
		return err
	}
	if r.Epoch != i.Epoch {
		return ErrExpired
	}
	return nil
}

// Begin gives the claim id to a caller who wants to accept. It takes over a
// claim that is unsettled or has lapsed. ErrAcceptInProgress while somebody is
// at work, or a lost request may still arrive; and the errors of Usable.
func (i Invitation) Begin(id uuid.UUID, now time.Time, lease time.Duration) (Invitation, error) {
	if err := i.Usable(now); err != nil {
		return i, err
	}
	if c := i.Claim; c != nil {
		free := c.Until
		if !c.UnsettledAt.IsZero() {
			free = earlier(free, c.UnsettledAt.Add(settleDelay))
		}
		if now.Before(free) {
			return i, ErrAcceptInProgress.After(min(free.Sub(now), settleDelay))
		}
	}
	i.Claim = &Claim{ID: id, Until: now.Add(lease), Inherited: i.Claim != nil}
	return i, nil
}

// Holds says whether the claim id is the current one.
func (i Invitation) Holds(id uuid.UUID) bool {
	return i.State == StatePending && i.Claim != nil && i.Claim.ID == id
}

// Lapsed says whether a claim's lease has run out with nobody settling it.
func (i Invitation) Lapsed(now time.Time) bool {
	return i.State == StatePending && i.Claim != nil && !now.Before(i.Claim.Until)
}

// Release ends a claim without a change: the token is good again.
func (i Invitation) Release() Invitation {
	i.Claim = nil
	return i
}

// Unsettle notes that nobody knows what came of the claim. Its lease stays.
func (i Invitation) Unsettle(now time.Time) Invitation {
	c := *i.Claim
	c.UnsettledAt = now
	i.Claim = &c
	return i
}

// Postpone prolongs a lapsed claim that could not be settled yet.
func (i Invitation) Postpone(now time.Time, lease time.Duration) Invitation {
	i = i.Unsettle(now)
	i.Claim.Until = now.Add(lease)
	return i
}

// Accept ends a claimed invitation well. One without a claim is returned as it
// is: who wants to accept has to Begin.
func (i Invitation) Accept(at time.Time) Invitation {
	if i.State == StatePending && i.Claim != nil {
		i.State, i.Claim, i.AcceptedAt, i.UpdatedAt = StateAccepted, nil, at, at
	}
	return i
}

// Revoke ends a pending or an expired invitation for good; a revoked one stays
// as it is. ErrAcceptInProgress while a claim is held, for that one might
// still win; ErrAccepted.
func (i Invitation) Revoke(now time.Time) (Invitation, error) {
	switch {
	case i.State == StateRevoked:
		return i, nil
	case i.State == StateAccepted:
		return i, ErrAccepted.Reasonf("The invitation was already accepted. Deactivate the identity in Kratos instead.")
	case i.Claim != nil:
		return i, ErrAcceptInProgress.After(settleDelay)
	}
	i.State, i.RevokedAt, i.UpdatedAt = StateRevoked, now, now
	return i, nil
}

// Close revokes an invitation whose identity is gone or was activated by
// another road, whoever holds a claim. Only a pending one is changed.
func (i Invitation) Close(now time.Time) Invitation {
	if i.State == StatePending {
		i.State, i.Claim, i.RevokedAt, i.UpdatedAt = StateRevoked, nil, now, now
	}
	return i
}

// Settle ends a pending invitation as its identity says, which is missing if it
// is the zero one: accepted, if this invitation activated it, even if it was
// deactivated since; revoked, if it is gone, became active by another road, or
// has another address; and if it is inactive, the invitation is pending still,
// without a claim, and in doubt: what was asked of Kratos may have its effect yet.
func (i Invitation) Settle(identity Identity, now time.Time) Invitation {
	switch {
	case i.State != StatePending:
		return i
	case identity.Activated(i.ID):
		i.State, i.Claim, i.AcceptedAt, i.UpdatedAt = StateAccepted, nil, identity.Mark.AcceptedAt, now
		return i
	case identity.Active || identity.ID == uuid.Nil || !identity.AnswersTo(i.Email):
		return i.Close(now)
	}
	i.Doubt = true
	return i.Release()
}

// Expire ends an invitation whose time has run out. One that is not due is
// returned as it is.
func (i Invitation) Expire(now time.Time) Invitation {
	if i.Due(now) {
		i.State, i.UpdatedAt = StateExpired, now
	}
	return i
}

// Resend grants the lifespan anew. It revives an expired invitation; the
// tokens of its former life stay dead. ErrRevoked, ErrAccepted.
func (i Invitation) Resend(now time.Time) (Invitation, error) {
	switch err := i.Usable(now); {
	case errors.Is(err, ErrExpired):
		i.Epoch++
	case err != nil:
		return i, err
	}
	i.State, i.ExpiresAt, i.UpdatedAt = StatePending, now.Add(i.Lifespan), now
	return i, nil
}

// Announce notes that the invitee is to be told now, and whether by e-mail.
func (i Invitation) Announce(now time.Time, byMail bool) Invitation {
	i.AnnouncedAt = now
	if byMail {
		i.Delivery = DeliveryQueued
	}
	return i
}

// Delivered shows the state that a letter has come to. The latest letter alone
// decides the delivery; each that was sent counts.
func (i Invitation) Delivered(letter Message, now time.Time) Invitation {
	if letter.State == MessageSent {
		i.SentAt = now
		i.SendCount++
	}
	if letter.CreatedAt.Before(i.AnnouncedAt) {
		return i
	}
	switch {
	case letter.State == MessageQueued:
		i.Delivery = DeliveryQueued
	case letter.State == MessageFailed:
		i.Delivery = DeliveryFailed
	case letter.State == MessageSent || !i.SentAt.IsZero():
		i.Delivery = DeliverySent
	default: // it was dropped, and there was none before
		i.Delivery = DeliveryOff
	}
	return i
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
