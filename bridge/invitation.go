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

// Invitation is an offer to one email address to become an active identity.
// The JSON names are those at rest. Times are UTC in microseconds, zero where
// the thing has not happened.
type Invitation struct {
	ID          uuid.UUID     `json:"id"` // a UUIDv7: ordered by time, harmless to log
	State       State         `json:"state"`
	Email       string        `json:"email"` // canonical, see [ParseEmail]
	IdentityID  uuid.UUID     `json:"identity_id"`
	Origin      Origin        `json:"identity_origin,omitempty"` // empty: not known, made by an earlier release
	Baseline    *Baseline     `json:"baseline,omitempty"`        // of the identity; nil: made by an earlier release
	Identifiers []string      `json:"identifiers,omitempty"`     // what the identity signs in with beside Email
	Addresses   []string      `json:"addresses,omitempty"`       // beside Email, that the inviter vouched for
	SchemaID    string        `json:"schema_id"`
	InviterID   string        `json:"inviter_id,omitempty"`
	InviterName string        `json:"inviter_name,omitempty"` // see [InviterName]
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
	Reason      Reason        `json:"reason,omitempty"`      // why it was revoked
	AnnouncedAt time.Time     `json:"announced_at,omitzero"` // when an email to the invitee was last queued
	HookedAt    time.Time     `json:"hooked_at,omitzero"`    // when hooks were last to be notified of a token
	SentAt      time.Time     `json:"sent_at,omitzero"`      // when an email was last taken over by the mail system
	SendCount   int           `json:"send_count,omitempty"`

	Claim *Claim `json:"claim,omitempty"` // while an acceptance is under way
	// RevokeRequestedAt is when a revocation came during a claim. From then on no
	// token is valid, and the claim ends as revoked unless it already succeeded.
	RevokeRequestedAt time.Time `json:"revoke_requested_at,omitzero"`
	// DoubtUntil is how long a write whose outcome was unknown may still take
	// effect.
	DoubtUntil time.Time `json:"doubt_until,omitzero"`
	// CleaningBeganAt is when the bridge began to remove what opened a reactivated
	// identity, and Cleaned what it has removed, or was about to.
	CleaningBeganAt time.Time `json:"cleaning_began_at,omitzero"`
	Cleaned         []string  `json:"cleaned,omitempty"`
	Leftover        Leftover  `json:"leftover,omitempty"`
	// LookAt is when the identity is to be looked at: for a late write, or to be
	// deleted. Looks counts the looks so far, for the pauses between them.
	LookAt time.Time `json:"look_at,omitzero"`
	Looks  int       `json:"looks,omitempty"`

	// What messages show beside the names above. Traits are the invitee's that the
	// configuration names, by their path, as they were when the invitation was made.
	InviterEmail string            `json:"inviter_email,omitempty"` // canonical, see [ParseEmail]
	TimeZone     string            `json:"timezone,omitempty"`      // an IANA name
	Traits       map[string]string `json:"traits,omitempty"`
}

// Reason says why an invitation was revoked.
type Reason string

// The reasons.
const (
	ReasonRequested Reason = "requested"
	ReasonInUse     Reason = "identity_in_use" // it is, or was, somebody's account
	ReasonGone      Reason = "identity_gone"
)

// Due says whether the invitation is pending and its time has run out. A claim
// suspends that: an acceptance that began in time may finish.
func (i Invitation) Due(now time.Time) bool {
	return i.State == StatePending && i.Claim == nil && !now.Before(i.ExpiresAt)
}

// Usable returns nil if a token of this invitation can be used now; else
// ErrExpired, ErrRevoked or ErrAccepted.
func (i Invitation) Usable(now time.Time) error {
	switch {
	case i.State == StateAccepted:
		return ErrAccepted
	case i.State == StateRevoked || i.State == StatePending && !i.RevokeRequestedAt.IsZero():
		return ErrRevoked
	case i.State == StateExpired || !now.Before(i.ExpiresAt):
		return ErrExpired
	}
	return nil
}

// UsableBy is Usable for one token: also ErrExpired if the token was
// invalidated when the invitation expired, before it was revived.
func (i Invitation) UsableBy(r TokenRecord, now time.Time) error {
	if err := i.Usable(now); err != nil {
		return err
	}
	if r.Epoch != i.Epoch {
		return ErrExpired
	}
	return nil
}

// Revoke ends a pending or an expired invitation for good; a revoked one stays
// as it is. During a claim the request is recorded, and ends what the claim does
// not accept. ErrAccepted.
func (i Invitation) Revoke(now time.Time) (Invitation, error) {
	switch {
	case i.State == StateRevoked:
		return i, nil
	case i.State == StateAccepted:
		return i, ErrAccepted.Reasonf("The invitation was already accepted. Deactivate the identity in Kratos instead.")
	case i.Claim != nil:
		if i.RevokeRequestedAt.IsZero() {
			i.RevokeRequestedAt, i.UpdatedAt = now, now
		}
		return i, nil
	}
	return i.end(ReasonRequested, now), nil
}

// Close revokes a pending invitation whose identity can no longer be handed
// over, whatever claim is held. Any other is returned as it is.
func (i Invitation) Close(reason Reason, now time.Time) Invitation {
	if i.State == StatePending {
		return i.end(reason, now)
	}
	return i
}

func (i Invitation) end(reason Reason, now time.Time) Invitation {
	i.State, i.Claim, i.Reason, i.RevokedAt, i.UpdatedAt = StateRevoked, nil, reason, now, now
	return i
}

// AcceptLate notes that a write took effect after the invitation had ended.
// RevokedAt stays beside it. A pending one is accepted as by a claim.
func (i Invitation) AcceptLate(at, now time.Time) Invitation {
	if i.State != StateAccepted {
		i.AcceptedAt = at
		return i.accepted(now)
	}
	return i
}

func (i Invitation) accepted(now time.Time) Invitation {
	i.State, i.Claim, i.UpdatedAt, i.Leftover = StateAccepted, nil, now, ""
	i.DoubtUntil, i.LookAt, i.Looks = time.Time{}, time.Time{}, 0
	return i
}

// Expire ends an invitation whose time has run out. One that is not due is
// returned as it is.
func (i Invitation) Expire(now time.Time) Invitation {
	if i.Due(now) {
		i.State, i.UpdatedAt = StateExpired, now
	}
	return i
}

// Resend resets the expiry. It revives an expired invitation; the tokens that
// the expiry invalidated stay so. ErrRevoked, ErrAccepted.
func (i Invitation) Resend(now time.Time) (Invitation, error) {
	switch err := i.Usable(now); {
	case errors.Is(err, ErrExpired) && i.Claim != nil:
		return i, ErrAcceptInProgress.After(settleDelay) // and it may succeed still
	case errors.Is(err, ErrExpired):
		i.Epoch++
	case err != nil:
		return i, err
	}
	i.State, i.ExpiresAt, i.UpdatedAt, i.Leftover = StatePending, now.Add(i.Lifespan), now, ""
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

// Delivered shows the state that an email has come to. The latest email alone
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
