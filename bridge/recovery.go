package bridge

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
)

// RecoveryFlow is a recovery flow of the identity system. Submitting its code signs in
// as the identity and permits to choose how to sign in from then on.
type RecoveryFlow struct {
	ID        uuid.UUID
	URL       string // the page at which the code can be entered; it does not contain the code
	Code      Code
	ExpiresAt time.Time
}

// RecoveryParams are the parameters of [Identities].StartRecovery.
type RecoveryParams struct {
	IdentityID uuid.UUID
	ReturnTo   string        // where the flow ends; empty: the identity system decides
	Native     bool          // for an app without a browser
	Lifespan   time.Duration // of the code
}

// Code is the secret of a recovery flow in plain text. It is never stored. Every way
// of printing it yields a placeholder, except [Code.Reveal].
type Code struct{ text string }

const redactedCode = "[recovery code]"

// NewCode returns the code with this text.
func NewCode(text string) Code { return Code{text} }

// Reveal returns the code in plain text.
func (c Code) Reveal() string { return c.text }

// String hides the code.
func (Code) String() string { return redactedCode }

// GoString hides the code from %#v.
func (Code) GoString() string { return redactedCode }

// LogValue hides the code from slog.
func (Code) LogValue() slog.Value { return slog.StringValue(redactedCode) }

// MarshalText hides the code from encoders. Use Reveal to send it.
func (Code) MarshalText() ([]byte, error) { return []byte(redactedCode), nil }

// codeLifespan is how long the code of an acceptance is valid at most: long enough for
// a person who reads it from one page and types it into another.
const codeLifespan = 10 * time.Minute

// startRecovery starts the recovery flow of an invitation that was just accepted.
// The acceptance is committed, so a failure is only logged: the invitee can still
// recover the account.
func (s *Service) startRecovery(ctx context.Context, inv Invitation, native bool) *RecoveryFlow {
	ctx, cancel := s.detachedContext(ctx)
	defer cancel()
	// No longer than other codes: an account is handed over anew when those are over.
	lifespan := min(codeLifespan, s.config.CodeLifespan)
	p := RecoveryParams{IdentityID: inv.IdentityID, ReturnTo: inv.ReturnTo, Native: native, Lifespan: lifespan}
	if p.ReturnTo == "" {
		p.ReturnTo = s.config.ReturnTo
	}
	flow, err := s.identities.StartRecovery(ctx, p)
	if err != nil && p.ReturnTo != "" && ctx.Err() == nil {
		s.warnOf(inv, "Kratos did not start a recovery flow that returns to where the invitee was to go; it was asked again without that. Add the address to selfservice.allowed_return_urls of Kratos", err)
		p.ReturnTo = ""
		flow, err = s.identities.StartRecovery(ctx, p)
	}
	if err != nil {
		s.warnOf(inv, "an invitation was accepted, but Kratos did not start a recovery flow; the invitee has to recover the account by email", err)
		return nil
	}
	return &flow
}
