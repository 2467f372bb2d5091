package httpapi

import (
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// invitation is the wire form. What is empty is left out.
type invitation struct {
	ID          uuid.UUID       `json:"id"`
	Email       string          `json:"email"`
	State       bridge.State    `json:"state"`
	IdentityID  uuid.UUID       `json:"identity_id"`
	SchemaID    string          `json:"schema_id"`
	InviterID   string          `json:"inviter_id,omitempty"`
	InviterName string          `json:"inviter_name,omitempty"`
	Locale      string          `json:"locale,omitempty"`
	ReturnTo    string          `json:"return_to,omitempty"`
	CreatedAt   time.Time       `json:"created_at"`
	UpdatedAt   time.Time       `json:"updated_at"`
	ExpiresAt   time.Time       `json:"expires_at"`
	AcceptedAt  time.Time       `json:"accepted_at,omitzero"`
	RevokedAt   time.Time       `json:"revoked_at,omitzero"`
	Delivery    bridge.Delivery `json:"delivery"`
}

func wireInvitation(i bridge.Invitation) invitation {
	return invitation{
		ID: i.ID, Email: i.Email, State: i.State, IdentityID: i.IdentityID, SchemaID: i.SchemaID,
		InviterID: i.InviterID, InviterName: i.InviterName, Locale: i.Locale, ReturnTo: i.ReturnTo,
		CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt, ExpiresAt: i.ExpiresAt,
		AcceptedAt: i.AcceptedAt, RevokedAt: i.RevokedAt, Delivery: i.Delivery,
	}
}

// offer is an invitation with its secrets, shown once.
type offer struct {
	invitation
	Token string `json:"invitation_token"`
	Link  string `json:"invitation_link"`
}

func wireOffer(o bridge.Offer) offer {
	return offer{invitation: wireInvitation(o.Invitation), Token: o.Token.Reveal(), Link: o.Link}
}

// view is what an invitee sees before accepting.
type view struct {
	Email          string         `json:"email"`
	InviterName    string         `json:"inviter_name,omitempty"`
	ExpiresAt      time.Time      `json:"expires_at"`
	State          bridge.State   `json:"state"`
	PasswordPolicy passwordPolicy `json:"password_policy"`
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

// accepted is the answer to an acceptance.
type accepted struct {
	Invitation   invitation     `json:"invitation"`
	ContinueWith []continueWith `json:"continue_with"`
}

// continueWith has the shape of Kratos' continue_with.
type continueWith struct {
	Action            string `json:"action"`
	RedirectBrowserTo string `json:"redirect_browser_to"`
}
