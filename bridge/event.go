package bridge

import (
	"time"

	"github.com/google/uuid"
)

// Event is the name of something that happened to an invitation, or is about to.
type Event string

// The events. Blocking hooks are called for the three that begin with pre_ before
// the operation, and may refuse it. The others are emitted after the commit.
const (
	EventPreInvitation     Event = "pre_invitation_creation"
	EventPreInviter        Event = "pre_inviter_request" // an inviter with a session asks for something
	EventTokenCreated      Event = "invitation_token_created"
	EventPrePassword       Event = "pre_password_creation"
	EventPostPassword      Event = "post_password_creation"
	EventReminder          Event = "invitation_reminder"
	EventInvitationRevoked Event = "invitation_revoked"
	EventInvitationExpired Event = "invitation_expired"
	EventDeliveryFailed    Event = "delivery_failed"
	EventImportFinished    Event = "import_finished" // or was canceled; about no single invitation
	EventHistoryEntry      Event = "history_entry"   // each entry of each history, see [HistoryEntry]
)

// Events returns every event.
func Events() []Event {
	return []Event{
		EventPreInvitation, EventPreInviter, EventTokenCreated, EventReminder, EventPrePassword, EventPostPassword,
		EventInvitationRevoked, EventInvitationExpired, EventDeliveryFailed, EventImportFinished, EventHistoryEntry,
	}
}

// CarriesLink reports whether messages about the event carry a token and a link. Only
// these are emailed to the invitee.
func (e Event) CarriesLink() bool { return e == EventTokenCreated || e == EventReminder }

// Blocking reports whether hooks are called before the event and may refuse it.
func (e Event) Blocking() bool {
	return e == EventPreInvitation || e == EventPreInviter || e == EventPrePassword
}

// Payload describes an event to receivers, in the format of Standard Webhooks.
// Its JSON is part of the API. It never contains a password.
type Payload struct {
	Type      Event       `json:"type"`
	Timestamp time.Time   `json:"timestamp"` // of the event, UTC
	Data      PayloadData `json:"data"`
}

// PayloadData is the data of an event.
type PayloadData struct {
	Invitation InvitationView `json:"invitation,omitzero"` // absent for EventImportFinished and EventPreInviter
	// Inviter is who asks. Set for EventPreInviter only.
	Inviter *Inviter `json:"inviter,omitempty"`
	// Import is the import that has finished. Set for EventImportFinished only.
	Import     *ImportView `json:"import,omitempty"`
	IdentityID uuid.UUID   `json:"identity_id,omitzero"` // absent before the identity exists
	// Token and Link are secrets. Set for events that carry a link only.
	Token string `json:"invitation_token,omitempty"`
	Link  string `json:"invitation_link,omitempty"`
	// Method is how the invitation is accepted. Set for EventPrePassword and
	// EventPostPassword only.
	Method AcceptMethod `json:"method,omitempty"`
	// Reactivate reports that the inviter permits the reactivation of an account
	// that was in use before. Set for EventPreInvitation only.
	Reactivate bool `json:"reactivate,omitempty"`
	// Reason is why it was revoked. Set for EventInvitationRevoked only.
	Reason Reason `json:"reason,omitempty"`
	// Late reports that a request to Kratos took effect after the invitation had
	// ended. Set for EventPostPassword only.
	Late bool `json:"late,omitempty"`
	// Message is the message that failed. Set for EventDeliveryFailed only.
	Message *FailedMessage `json:"message,omitempty"`
	// Entry is the entry of the history. Set for EventHistoryEntry only.
	Entry *HistoryEntry `json:"entry,omitempty"`
}

// FailedMessage identifies a message that could not be delivered. Detail is why.
type FailedMessage struct {
	ID       uuid.UUID `json:"id"`
	Event    Event     `json:"event"`
	Endpoint string    `json:"endpoint"`
	Detail   string    `json:"detail,omitempty"`
}

// InvitationView is the public form of an invitation, in responses and events.
// Empty members are omitted.
type InvitationView struct {
	ID          uuid.UUID `json:"id"`
	Email       string    `json:"email"`
	State       State     `json:"state"`
	IdentityID  uuid.UUID `json:"identity_id,omitzero"`
	CreatedBy   Creator   `json:"created_by,omitzero"`
	ImportID    uuid.UUID `json:"import_id,omitzero"` // the import that created it
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
	// Method is how it was accepted; empty also if an earlier release accepted it.
	Method    AcceptMethod `json:"method,omitempty"`
	RevokedAt time.Time    `json:"revoked_at,omitzero"`
	// RevokeRequestedAt is set if an acceptance was in progress when the
	// invitation was revoked.
	RevokeRequestedAt time.Time `json:"revoke_requested_at,omitzero"`
	// Cleaned lists what the bridge removed from a reactivated identity; the last
	// entry may have been begun only.
	Cleaned   []string       `json:"identity_cleaned,omitempty"`
	SentAt    time.Time      `json:"sent_at,omitzero"`
	SendCount int            `json:"send_count,omitempty"`
	Delivery  DeliveryStatus `json:"delivery"`
	// NextReminderAt is when the next reminder is due. ReminderCount counts those that
	// were emitted, by email or to hooks.
	NextReminderAt time.Time `json:"next_reminder_at,omitzero"`
	ReminderCount  int       `json:"reminder_count,omitempty"`

	InviterEmail string `json:"inviter_email,omitempty"` // canonical, see [ParseEmail]
	TimeZone     string `json:"timezone,omitempty"`      // an IANA name
	// Traits holds the invitee's traits that the configuration lists, by path.
	Traits map[string]string `json:"traits,omitempty"`
}

// View returns the public form of an invitation.
func (i Invitation) View() InvitationView {
	v := InvitationView{
		ID: i.ID, Email: i.Email, State: i.State, IdentityID: i.IdentityID, CreatedBy: i.CreatedBy, ImportID: i.ImportID, Origin: i.Origin, SchemaID: i.SchemaID,
		InviterID: i.InviterID, InviterName: i.InviterName, InviterEmail: i.InviterEmail,
		Locale: i.Locale, TimeZone: i.TimeZone, Traits: i.Traits, ReturnTo: i.ReturnTo,
		CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt, ExpiresAt: i.ExpiresAt,
		AcceptedAt: i.AcceptedAt, Method: i.Method, RevokedAt: i.RevokedAt, RevokeRequestedAt: i.RevokeRequestedAt, Cleaned: i.Cleaned,
		SentAt: i.SentAt, SendCount: i.SendCount, Delivery: i.Delivery, ReminderCount: i.ReminderCount,
	}
	if i.State == StatePending { // an earlier release on the same store may have left it
		v.NextReminderAt = i.RemindAt
	}
	return v
}

func payload(event Event, inv Invitation, at time.Time) Payload {
	return Payload{Type: event, Timestamp: at, Data: PayloadData{Invitation: inv.View(), IdentityID: inv.IdentityID}}
}
