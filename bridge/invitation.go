package bridge

import (
	"errors"
	"time"

	"github.com/google/uuid"
)

// State is the lifecycle state of an invitation.
type State string

// The states. Only a pending invitation can be accepted. Of the others, only an
// expired one can become pending again, by a resend.
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

// DeliveryStatus is the status of the latest email to the invitee.
type DeliveryStatus string

// The delivery statuses.
const (
	DeliveryOff    DeliveryStatus = "off" // no email: the caller passes the link on
	DeliveryQueued DeliveryStatus = "queued"
	DeliverySent   DeliveryStatus = "sent"
	DeliveryFailed DeliveryStatus = "failed"
)

// Invitation is an offer to one email address to become an active identity. The
// JSON names are those in the store. Times are UTC, truncated to microseconds;
// zero if the event has not happened.
type Invitation struct {
	ID                uuid.UUID      `json:"id"` // a UUIDv7: ordered by time, harmless to log
	State             State          `json:"state"`
	Email             string         `json:"email"` // canonical, see [ParseEmail]
	IdentityID        uuid.UUID      `json:"identity_id"`
	Origin            Origin         `json:"identity_origin,omitempty"` // empty: unknown, written by an earlier release
	Baseline          *Baseline      `json:"baseline,omitempty"`        // of the identity; nil: written by an earlier release
	Identifiers       []string       `json:"identifiers,omitempty"`     // of the identity, except Email
	Addresses         []string       `json:"addresses,omitempty"`       // other addresses that the inviter vouched for
	SchemaID          string         `json:"schema_id"`
	InviterID         string         `json:"inviter_id,omitempty"`
	InviterName       string         `json:"inviter_name,omitempty"` // see [InviterName]
	Locale            string         `json:"locale,omitempty"`
	ReturnTo          string         `json:"return_to,omitempty"`
	Lifespan          time.Duration  `json:"lifespan"` // a resend sets ExpiresAt this far ahead
	Delivery          DeliveryStatus `json:"delivery"`
	Epoch             int            `json:"epoch,omitempty"` // counts revivals; see TokenRecord
	CreatedAt         time.Time      `json:"created_at"`
	UpdatedAt         time.Time      `json:"updated_at"`
	ExpiresAt         time.Time      `json:"expires_at"`
	AcceptedAt        time.Time      `json:"accepted_at,omitzero"`
	Method            AcceptMethod   `json:"method,omitempty"` // how it was accepted; empty: it was not, or by an earlier release
	RevokedAt         time.Time      `json:"revoked_at,omitzero"`
	Reason            Reason         `json:"reason,omitempty"`      // why it was revoked
	InviteeNotifiedAt time.Time      `json:"announced_at,omitzero"` // when an email to the invitee was last queued
	HooksNotifiedAt   time.Time      `json:"hooked_at,omitzero"`    // when hook messages about a token were last queued
	SentAt            time.Time      `json:"sent_at,omitzero"`      // when the mail server last accepted an email
	SendCount         int            `json:"send_count,omitempty"`

	Claim *Claim `json:"claim,omitempty"` // set while an acceptance is in progress
	// RevokeRequestedAt is when a revocation was requested during a claim. From
	// then on no token is valid, and the claim ends as revoked unless it has
	// already succeeded.
	RevokeRequestedAt time.Time `json:"revoke_requested_at,omitzero"`
	// UnresolvedUntil is how long a write with an unknown outcome may still take
	// effect in the identity system.
	UnresolvedUntil time.Time `json:"doubt_until,omitzero"`
	// CleaningBeganAt is when the bridge began to remove the credentials and
	// sessions of a reactivated identity. Cleaned lists what it removed; the last
	// entry may have been begun only.
	CleaningBeganAt time.Time `json:"cleaning_began_at,omitzero"`
	Cleaned         []string  `json:"cleaned,omitempty"`
	Leftover        Leftover  `json:"leftover,omitempty"`
	// CheckAt is when the sweep next checks the identity: for a late write, or to
	// delete it. Checks counts the checks so far, for the pauses between them.
	CheckAt time.Time `json:"look_at,omitzero"`
	Checks  int       `json:"looks,omitempty"`

	CreatedBy Creator   `json:"created_by,omitzero"`
	ImportID  uuid.UUID `json:"import_id,omitzero"` // the import that created it; zero: none

	// Further data for messages. Traits holds the invitee's traits that the
	// configuration lists, by path, as of the creation of the invitation.
	InviterEmail string            `json:"inviter_email,omitempty"` // canonical, see [ParseEmail]
	TimeZone     string            `json:"timezone,omitempty"`      // an IANA name
	Traits       map[string]string `json:"traits,omitempty"`

	// Reminders are the times before ExpiresAt at which the invitee is to be reminded;
	// empty: never. RemindAt is when the next reminder is due; zero: none is planned.
	// ReminderCount counts those that were emitted.
	Reminders     []time.Duration `json:"reminders,omitempty"`
	RemindAt      time.Time       `json:"remind_at,omitzero"`
	ReminderCount int             `json:"reminder_count,omitempty"`
}

// Reason is why an invitation was revoked.
type Reason string

// The reasons.
const (
	ReasonRequested Reason = "requested"
	ReasonInUse     Reason = "identity_in_use"     // the identity is, or was, in use as an account
	ReasonGone      Reason = "identity_gone"       // the identity was deleted
	ReasonInviter   Reason = "inviter_deactivated" // so was the inviter, or deleted
)

// Due reports whether the invitation is pending and past its expiry. During a
// claim it is never due: an acceptance that began in time may finish.
func (i Invitation) Due(now time.Time) bool {
	return i.State == StatePending && i.Claim == nil && !now.Before(i.ExpiresAt)
}

// CheckUsable returns nil if the tokens of this invitation can be used now.
//
// Errors: ErrExpired, ErrRevoked, ErrAccepted.
func (i Invitation) CheckUsable(now time.Time) error {
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

// CheckToken is [Invitation.CheckUsable] for one token. It also returns
// ErrExpired if the token belongs to an earlier epoch: it was invalidated when
// the invitation expired, and stays invalid after a revival.
func (i Invitation) CheckToken(r TokenRecord, now time.Time) error {
	if err := i.CheckUsable(now); err != nil {
		return err
	}
	if r.Epoch != i.Epoch {
		return ErrExpired
	}
	return nil
}

// Revoke ends a pending or an expired invitation permanently; a revoked one is
// returned unchanged. During a claim it only records the request: the invitation
// is revoked when the claim ends without an acceptance.
//
// Errors: ErrAccepted.
func (i Invitation) Revoke(reason Reason, now time.Time) (Invitation, error) {
	switch {
	case i.State == StateRevoked:
		return i, nil
	case i.State == StateAccepted:
		return i, ErrAccepted.WithReasonf("The invitation was already accepted. Deactivate the identity in Kratos instead.")
	case i.Claim != nil:
		if i.RevokeRequestedAt.IsZero() {
			i.RevokeRequestedAt, i.UpdatedAt = now, now
		}
		return i, nil
	}
	return i.end(reason, now), nil
}

// Invalidate revokes a pending invitation whose identity can no longer be handed
// over, even during a claim. Other invitations are returned unchanged.
func (i Invitation) Invalidate(reason Reason, now time.Time) Invitation {
	if i.State == StatePending {
		return i.end(reason, now)
	}
	return i
}

func (i Invitation) end(reason Reason, now time.Time) Invitation {
	i.State, i.Claim, i.Reason, i.RevokedAt, i.UpdatedAt = StateRevoked, nil, reason, now, now
	i.RemindAt = time.Time{}
	return i
}

// AcceptLate marks the invitation accepted because a write took effect after the
// invitation had ended. RevokedAt is kept. A pending invitation is accepted as
// by a claim.
func (i Invitation) AcceptLate(at, now time.Time) Invitation {
	if i.State != StateAccepted {
		i.AcceptedAt = at
		return i.accepted(now)
	}
	return i
}

func (i Invitation) accepted(now time.Time) Invitation {
	i.State, i.Claim, i.UpdatedAt, i.Leftover = StateAccepted, nil, now, ""
	i.UnresolvedUntil, i.CheckAt, i.Checks, i.RemindAt = time.Time{}, time.Time{}, 0, time.Time{}
	return i
}

// Expire marks a due invitation as expired. Others are returned unchanged.
func (i Invitation) Expire(now time.Time) Invitation {
	if i.Due(now) {
		i.State, i.UpdatedAt, i.RemindAt = StateExpired, now, time.Time{}
	}
	return i
}

// Resend resets the expiry and plans the reminders anew. It revives an expired invitation; tokens that the
// expiry invalidated stay invalid.
//
// Errors: ErrRevoked, ErrAccepted; ErrAcceptInProgress if the invitation is past
// its expiry and a claim is held.
func (i Invitation) Resend(now time.Time) (Invitation, error) {
	switch err := i.CheckUsable(now); {
	case errors.Is(err, ErrExpired) && i.Claim != nil:
		return i, ErrAcceptInProgress.WithRetryAfter(lateWriteGrace) // the acceptance may still succeed
	case errors.Is(err, ErrExpired):
		i.Epoch++
	case err != nil:
		return i, err
	}
	i.State, i.ExpiresAt, i.UpdatedAt, i.Leftover = StatePending, now.Add(i.Lifespan), now, ""
	return i.planReminder(now), nil
}

// MarkNotified records that the invitee is notified now, and whether the bridge
// queues an email for that.
func (i Invitation) MarkNotified(now time.Time, byMail bool) Invitation {
	i.InviteeNotifiedAt = now
	if byMail {
		i.Delivery = DeliveryQueued
	}
	return i
}

// ApplyDelivery updates the invitation from the state of an email to the
// invitee. Only the latest email decides Delivery; every sent email counts in
// SendCount.
func (i Invitation) ApplyDelivery(email Message, now time.Time) Invitation {
	if email.State == MessageSent {
		i.SentAt = now
		i.SendCount++
	}
	if email.CreatedAt.Before(i.InviteeNotifiedAt) {
		return i
	}
	switch {
	case email.State == MessageQueued:
		i.Delivery = DeliveryQueued
	case email.State == MessageFailed:
		i.Delivery = DeliveryFailed
	case email.State == MessageSent || !i.SentAt.IsZero():
		i.Delivery = DeliverySent
	default: // dropped, and no earlier email was sent
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
