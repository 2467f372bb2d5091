package bridge

import (
	"time"

	"github.com/google/uuid"
)

// Event names what has happened to an invitation, or is about to.
type Event string

// The events. The two that begin with pre_ are asked about before the thing is
// done, and a hook may refuse it; the others are told after it was committed.
const (
	EventPreInvitation     Event = "pre_invitation_creation"
	EventTokenCreated      Event = "invitation_token_created" // the only one that carries a token
	EventPrePassword       Event = "pre_password_creation"
	EventPostPassword      Event = "post_password_creation"
	EventInvitationRevoked Event = "invitation_revoked"
	EventInvitationExpired Event = "invitation_expired"
	EventDeliveryFailed    Event = "delivery_failed"
)

// Events returns every event.
func Events() []Event {
	return []Event{
		EventPreInvitation, EventTokenCreated, EventPrePassword, EventPostPassword,
		EventInvitationRevoked, EventInvitationExpired, EventDeliveryFailed,
	}
}

// Blocking says whether hooks are asked about the event before it happens.
func (e Event) Blocking() bool { return e == EventPreInvitation || e == EventPrePassword }

// Payload is what leaves the process about an event, in the shape of Standard
// Webhooks. Its JSON is a promise to receivers. It never carries a password.
type Payload struct {
	Type      Event       `json:"type"`
	Timestamp time.Time   `json:"timestamp"` // of the event, UTC
	Data      PayloadData `json:"data"`
}

// PayloadData is what an event is about.
type PayloadData struct {
	Invitation View      `json:"invitation"`
	IdentityID uuid.UUID `json:"identity_id,omitzero"` // absent before the identity exists
	// Token and Link are secrets, and there for EventTokenCreated only.
	Token string `json:"invitation_token,omitempty"`
	Link  string `json:"invitation_link,omitempty"`
	// Reactivate says that the inviter permits an account that was somebody's, for
	// EventPreInvitation only.
	Reactivate bool `json:"reactivate,omitempty"`
	// Reason says why, for EventInvitationRevoked only.
	Reason Reason `json:"reason,omitempty"`
	// Late says that the invitation had ended before, and a request to Kratos took
	// effect after that; for EventPostPassword only.
	Late bool `json:"late,omitempty"`
	// Message is the one that was given up, for EventDeliveryFailed only.
	Message *FailedMessage `json:"message,omitempty"`
}

// FailedMessage tells which message could not be delivered, and why.
type FailedMessage struct {
	ID       uuid.UUID `json:"id"`
	Event    Event     `json:"event"`
	Endpoint string    `json:"endpoint"`
	Detail   string    `json:"detail,omitempty"`
}

// View is an invitation as the world sees it: in answers, in events. What is
// empty is left out.
type View struct {
	ID          uuid.UUID `json:"id"`
	Email       string    `json:"email"`
	State       State     `json:"state"`
	IdentityID  uuid.UUID `json:"identity_id,omitzero"`
	Origin      Origin    `json:"identity_origin,omitempty"`
	SchemaID    string    `json:"schema_id"`
	InviterID   string    `json:"inviter_id,omitempty"`
	InviterName string    `json:"inviter_name,omitempty"`
	Locale      string    `json:"locale,omitempty"`
	ReturnTo    string    `json:"return_to,omitempty"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	AcceptedAt  time.Time `json:"accepted_at,omitzero"`
	RevokedAt   time.Time `json:"revoked_at,omitzero"`
	// RevokeRequestedAt is there while an acceptance was under way when the
	// invitation was revoked.
	RevokeRequestedAt time.Time `json:"revoke_requested_at,omitzero"`
	// Cleaned names what the bridge removed from a reactivated identity, the last
	// of it perhaps only begun.
	Cleaned   []string  `json:"identity_cleaned,omitempty"`
	SentAt    time.Time `json:"sent_at,omitzero"`
	SendCount int       `json:"send_count,omitempty"`
	Delivery  Delivery  `json:"delivery"`

	InviterEmail string `json:"inviter_email,omitempty"` // canonical, see [ParseEmail]
	TimeZone     string `json:"timezone,omitempty"`      // an IANA name
	// Traits are the invitee's that the configuration names, by their path.
	Traits map[string]string `json:"traits,omitempty"`
}
