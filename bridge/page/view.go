package page

import (
	"time"

	"invitebridge/bridge"
)

// Screen identifies one state of the invitee's page.
type Screen string

// The screens. Only ScreenForm may have a password field, and only ScreenAgain asks for
// an address. ScreenExpired has a button that requests a new link if Input.Renewable is
// set.
const (
	ScreenForm        Screen = "form"        // pending: choose a password, or another way to sign in
	ScreenAccepted    Screen = "accepted"    // the password was just set
	ScreenContinue    Screen = "continue"    // the account was just activated: choose a way to sign in
	ScreenRecover     Screen = "recover"     // the same, but the invitee has to recover the account
	ScreenDone        Screen = "done"        // accepted earlier
	ScreenEarly       Screen = "early"       // cannot be accepted yet
	ScreenExpired     Screen = "expired"     // the expiry has passed
	ScreenRenewed     Screen = "renewed"     // a new link was requested
	ScreenAgain       Screen = "again"       // enter the address, for a new link
	ScreenAsked       Screen = "asked"       // that was done
	ScreenRevoked     Screen = "revoked"     // revoked by the inviter
	ScreenUnknown     Screen = "unknown"     // no such invitation
	ScreenUnavailable Screen = "unavailable" // a temporary failure; try again
)

// Screens returns every screen.
func Screens() []Screen {
	return []Screen{
		ScreenForm, ScreenAccepted, ScreenContinue, ScreenRecover, ScreenDone, ScreenEarly, ScreenExpired, ScreenRenewed,
		ScreenAgain, ScreenAsked,
		ScreenRevoked, ScreenUnknown, ScreenUnavailable,
	}
}

// Input is the content of one page. None of its texts is trusted to be free of
// markup.
type Input struct {
	Screen Screen
	// Email, InviterName and ExpiresAt describe the invitation on ScreenForm.
	// InviterName may be empty. On ScreenAgain, Email is what was entered before.
	Email       string
	InviterName string
	ExpiresAt   time.Time // UTC
	TimeZone    string    // the IANA time zone for ExpiresAt and From; empty: UTC
	Policy      bridge.PasswordPolicy
	// Identifiers are the invitee's other login names besides Email, such as a
	// username: a password must not resemble them.
	Identifiers []string
	// Problem says why a submitted form is shown again. Its Messages appear next
	// to the field. Nil means that the form was not submitted yet.
	Problem *bridge.Error
	// From is the time from which the invitation can be accepted, for ScreenEarly.
	From time.Time
	// Renewable makes ScreenExpired offer a new link.
	Renewable bool
	// ContinueURL is the next step on ScreenAccepted, ScreenRecover, ScreenDone and
	// ScreenUnknown: the login, or the URL chosen by the inviter. With Redirect,
	// the page navigates there without a click.
	ContinueURL string
	Redirect    bool
	// Recovery is the next step on ScreenContinue.
	Recovery Recovery
	// Place is where to sign in, such as a host name, on ScreenAccepted and
	// ScreenDone without a ContinueURL. The page's title takes precedence.
	Place string
	// RequestID lets support find the request in the log, for ScreenUnavailable.
	// It may be empty.
	RequestID string
}

// Recovery is a recovery flow in which the invitee continues. The page either sends
// the code to FormURL, or shows it with a link to URL, where it is to be entered.
type Recovery struct {
	FormURL string // empty: show the code
	URL     string
	Code    string
}
