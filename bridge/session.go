package bridge

import (
	"context"
	"log/slog"
)

// Device is the client for which a session is requested. The identity system shows
// it to the account holder in the list of sessions.
type Device struct {
	UserAgent string
	IP        string // empty: unknown
}

// Session is the secret of a session in the identity system: its token, for a client that
// is not a browser, or a cookie.
type Session struct{ token, cookie string }

const redactedSession = "[session token]"

// NewSession returns the session with this token.
func NewSession(token string) Session { return Session{token: token} }

// NewCookieSession returns the session with a cookie of this name and value.
func NewCookieSession(name, value string) Session { return Session{token: value, cookie: name} }

// Cookie returns the name of the cookie that Reveal is the value of; empty: it is a token.
func (s Session) Cookie() string { return s.cookie }

// Reveal returns the session token, or the value of the cookie, in plain text.
func (s Session) Reveal() string { return s.token }

// String hides the token.
func (Session) String() string { return redactedSession }

// GoString hides the token from %#v.
func (Session) GoString() string { return redactedSession }

// LogValue hides the token from slog.
func (Session) LogValue() slog.Value { return slog.StringValue(redactedSession) }

// MarshalText hides the token from encoders. Use Reveal to send it.
func (Session) MarshalText() ([]byte, error) { return []byte(redactedSession), nil }

// signIn signs in to an identity whose password was just set. The acceptance is
// committed, so a failure is only logged: the invitee can sign in.
func (s *Service) signIn(ctx context.Context, inv Invitation, password string, d Device) *Session {
	ctx, cancel := s.detachedContext(ctx)
	defer cancel()
	session, err := s.identities.SignIn(ctx, inv.identifiers(), password, d)
	if err != nil {
		s.warnOf(inv, "an invitation was accepted, but Kratos did not create the session that was requested", err)
		return nil
	}
	return &session
}
