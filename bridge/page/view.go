package page

import (
	"time"

	"invitebridge/bridge"
)

// Sight names what an invitee sees.
type Sight string

// The sights. Only SightForm has a field for a password; SightExpired has the
// button that asks for a new link if the view says that it can be sent.
const (
	SightForm        Sight = "form"        // pending: choose a password
	SightAccepted    Sight = "accepted"    // the password was set just now
	SightDone        Sight = "done"        // it had been accepted before
	SightEarly       Sight = "early"       // it cannot be accepted yet
	SightExpired     Sight = "expired"     //
	SightRenewed     Sight = "renewed"     // a new link was asked for
	SightRevoked     Sight = "revoked"     //
	SightUnknown     Sight = "unknown"     // no such invitation
	SightUnavailable Sight = "unavailable" // nothing can be said now; try again
)

// Sights returns every sight.
func Sights() []Sight {
	return []Sight{
		SightForm, SightAccepted, SightDone, SightEarly, SightExpired, SightRenewed,
		SightRevoked, SightUnknown, SightUnavailable,
	}
}

// View is what one page tells. Nothing in it is trusted to be free of markup.
type View struct {
	Sight Sight
	// Email, InviterName and ExpiresAt are those of the invitation, for
	// SightForm; InviterName may be empty.
	Email       string
	InviterName string
	ExpiresAt   time.Time // UTC
	TimeZone    string    // an IANA name, to show ExpiresAt and From in; empty: UTC
	Policy      bridge.PasswordPolicy
	// Identifiers are what the invitee signs in with beside Email, such as a user
	// name: a password must not resemble them.
	Identifiers []string
	// Problem says why a form that was sent is shown again; its Messages stand
	// beside the field. Nil: it was not sent yet.
	Problem *bridge.Error
	// From is when the invitation can be accepted, for SightEarly.
	From time.Time
	// Renewable says that SightExpired offers to send a new link.
	Renewable bool
	// ContinueURL is where the way goes on, for SightAccepted, SightDone and
	// SightUnknown: the login, or where the inviter wants invitees to go. Where
	// Redirect is set the page leads there by itself, without a click.
	ContinueURL string
	Redirect    bool
	// Place is where to sign in, such as a host, for SightAccepted and SightDone
	// without a ContinueURL; the page's title goes before.
	Place string
	// RequestID helps a support to find the request in the log, for
	// SightUnavailable; it may be empty.
	RequestID string
}
