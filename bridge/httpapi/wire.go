package httpapi

import (
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// issuedInvitation is an invitation with its secrets, which are shown once. It has none
// if the key lacks ScopeLink, or if an invite was repeated with its Idempotency-Key after
// the invitation ended.
type issuedInvitation struct {
	bridge.InvitationView
	Token string `json:"invitation_token,omitempty"`
	Link  string `json:"invitation_link,omitempty"`
	// The ids of the identity, as the inviter sent them. They are stored in Kratos
	// only.
	ExternalID     string    `json:"external_id,omitempty"`
	OrganizationID uuid.UUID `json:"organization_id,omitzero"`
}

func wireIssued(o bridge.IssuedInvitation, key APIKey) issuedInvitation {
	issued := issuedInvitation{InvitationView: o.Invitation.View()}
	if o.Token != (bridge.Token{}) && key.may(ScopeLink) {
		issued.Token, issued.Link = o.Token.Reveal(), o.Link
	}
	return issued
}

// preview is what an invitee sees before accepting.
type preview struct {
	Email          string                `json:"email"`
	InviterName    string                `json:"inviter_name,omitempty"`
	ExpiresAt      time.Time             `json:"expires_at"`
	State          bridge.State          `json:"state"`
	AcceptWith     []bridge.AcceptMethod `json:"accept_with"`
	PasswordPolicy *passwordPolicy       `json:"password_policy,omitempty"` // unless no password is accepted
}

// passwordPolicy uses Kratos' names. Lengths are in bytes.
type passwordPolicy struct {
	MinLength       int  `json:"min_password_length"`
	MaxLength       int  `json:"max_password_length"`
	CheckSimilarity bool `json:"identifier_similarity_check_enabled"`
	CheckBreaches   bool `json:"haveibeenpwned_enabled"`
}

func wirePolicy(p bridge.PasswordPolicy) passwordPolicy {
	return passwordPolicy{
		MinLength: p.MinLength, MaxLength: bridge.MaxPasswordLength,
		CheckSimilarity: p.CheckSimilarity, CheckBreaches: p.Breaches != nil,
	}
}

// accepted is the response to an acceptance.
type accepted struct {
	Invitation   bridge.InvitationView `json:"invitation"`
	ContinueWith []continueWith        `json:"continue_with"`
}

// continueWith has the shape of Kratos' continue_with, with the code of a recovery
// flow in addition: nobody is sent it. Each action has its own members.
type continueWith struct {
	Action            string        `json:"action"`
	RedirectBrowserTo string        `json:"redirect_browser_to,omitempty"`
	SessionToken      string        `json:"ory_session_token,omitempty"`
	Flow              *continueFlow `json:"flow,omitempty"`
	RecoveryCode      string        `json:"recovery_code,omitempty"`
}

type continueFlow struct {
	ID  uuid.UUID `json:"id"`
	URL string    `json:"url"`
}

// renewal is the response to a renew request. State is a word of Kratos.
type renewal struct {
	State string `json:"state"`
}

// message is a row of the outbox, without its payload.
type message struct {
	ID            uuid.UUID           `json:"id"`
	Event         bridge.Event        `json:"event"`
	Endpoint      string              `json:"endpoint"`
	InvitationID  uuid.UUID           `json:"invitation_id,omitzero"` // absent if it is about an import
	ImportID      uuid.UUID           `json:"import_id,omitzero"`
	State         bridge.MessageState `json:"state"`
	CreatedAt     time.Time           `json:"created_at"`
	UpdatedAt     time.Time           `json:"updated_at"`
	NextAttemptAt time.Time           `json:"next_attempt_at,omitzero"` // only while queued
	Attempts      []attempt           `json:"attempts,omitempty"`       // not in lists
}

type attempt struct {
	At         time.Time             `json:"at"`
	DurationMS int64                 `json:"duration_ms"`
	Outcome    bridge.AttemptOutcome `json:"outcome"`
	Status     int                   `json:"status,omitempty"` // HTTP status or SMTP reply code
	Detail     string                `json:"detail,omitempty"`
}

func wireMessage(m bridge.Message) message {
	out := message{
		ID: m.ID, Event: m.Payload.Type, Endpoint: m.Endpoint, InvitationID: m.InvitationID, ImportID: m.ImportID, State: m.State,
		CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt,
	}
	if m.State == bridge.MessageQueued {
		out.NextAttemptAt = m.NextAttemptAt()
	}
	return out
}

// wireAttempts returns the message with its attempts.
func wireAttempts(m bridge.Message) message {
	out := wireMessage(m)
	for _, a := range m.Attempts {
		out.Attempts = append(out.Attempts, attempt{
			At: a.At, DurationMS: a.Took.Milliseconds(), Outcome: a.Outcome, Status: a.Status, Detail: a.Detail,
		})
	}
	return out
}
