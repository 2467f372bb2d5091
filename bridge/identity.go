package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Identity is what the bridge needs to know of an identity. JSON values are
// kept as they came, byte for byte, so that no number loses a digit.
type Identity struct {
	ID             uuid.UUID
	SchemaID       string
	Active         bool
	Email          string // as the identity system sends mail to it; lower case; may be empty
	Traits         json.RawMessage
	MetadataPublic json.RawMessage // empty: none
	MetadataAdmin  json.RawMessage // without the bridge's mark; empty: none, or no member
	Mark           Mark
	// MarkForeign says that the admin metadata cannot take the bridge's mark:
	// it is no object, or has a member of that name that is not the bridge's.
	MarkForeign bool
	// HasCredentials says whether anything to sign in with is set.
	HasCredentials bool
}

// Mark is the bridge's own note in an identity's admin metadata. It travels in
// the same write as what it tells of, and so proves who made an identity and
// which invitation activated it.
type Mark struct {
	InvitationID uuid.UUID // zero: the bridge made or activated nothing here
	AcceptedAt   time.Time // zero: made, not activated by this invitation
}

// NewIdentity is what an invited identity starts with.
type NewIdentity struct {
	InvitationID   uuid.UUID
	SchemaID       string
	Traits         json.RawMessage // an object, the e-mail trait included
	MetadataPublic json.RawMessage // empty: none
	MetadataAdmin  json.RawMessage // an object or empty
}

// Activation is what turns an invited identity into one that can sign in.
type Activation struct {
	InvitationID uuid.UUID
	AcceptedAt   time.Time
	// Email is the canonical address the invitation was for. An identity that
	// no longer answers to it is not touched: ErrIdentityNotFound. Empty: any.
	Email    string
	Password string
	// VerifyEmail marks Identity.Email as verified, before the write that
	// activates: the invitee has shown to have the mailbox.
	VerifyEmail bool
	// Repeat says that an earlier request of this invitation may have had its
	// effect: then writing again is harmless.
	Repeat bool
}

// Identities is an identity system. Each method may block until ctx ends. A
// failure is one of the sentinels below or an [*IdentityError]; of any other
// error nothing may be assumed. All methods are safe for concurrent use.
type Identities interface {
	// Create makes an inactive identity that carries the mark of the
	// invitation. ErrIdentityExists: an identifier is taken.
	Create(ctx context.Context, n NewIdentity) (Identity, error)

	// Get reads one identity. ErrIdentityNotFound.
	Get(ctx context.Context, id uuid.UUID) (Identity, error)

	// FindByEmail reads the identity that has email (in canonical form, see
	// [ParseEmail]) as an identifier. ErrIdentityNotFound.
	FindByEmail(ctx context.Context, email string) (Identity, error)

	// Activate sets the password and the active state in one atomic write, and
	// leaves all else as it is, save what VerifyEmail asks for. An identity
	// that this very invitation has activated before is written again if
	// Repeat says so, which is harmless; else, and if it was deactivated since,
	// it is not touched: ErrIdentityAccepted. Nor is one that became active by another road:
	// ErrIdentityIsActive. ErrIdentityNotFound if it is gone, or has another
	// e-mail address by now.
	//
	// VerifyEmail is a write of its own before that one: a failure may leave
	// the address marked as verified, and no more than that.
	Activate(ctx context.Context, id uuid.UUID, a Activation) error

	// Delete removes the identity if the bridge made it for this invitation,
	// it was never accepted, is inactive and has no credentials; any other is
	// left as it is, without an error. A missing identity is no error either.
	Delete(ctx context.Context, id, invitationID uuid.UUID) error

	// Ping says whether the identity system is ready to serve.
	Ping(ctx context.Context) error
}

// Sentinels of [Identities].
var (
	ErrIdentityNotFound = errors.New("identity not found")
	ErrIdentityExists   = errors.New("identity exists")
	ErrIdentityIsActive = errors.New("identity is active")
	// ErrIdentityAccepted says that this very invitation has activated it
	// already.
	ErrIdentityAccepted = errors.New("identity was activated by this invitation")
)

// Outcome says what is known after a call that did not succeed.
type Outcome int

const (
	// OutcomeUnknown says that nobody knows whether the call took effect. A cut
	// connection, a time-out, a 5xx.
	OutcomeUnknown Outcome = iota
	// OutcomeRefused says that the identity system refused. Nothing was changed, and
	// asking again the same way is of no use.
	OutcomeRefused
	// OutcomeInvalid says that it refused for a reason that the caller can
	// mend.
	OutcomeInvalid
	// OutcomeNotDone says that the call took no effect and may succeed later. The
	// connection was never made, or the identity system was too busy.
	OutcomeNotDone
)

// IdentityError is a call that did not succeed. Reason is the identity
// system's own text, for callers only if the outcome is OutcomeInvalid.
type IdentityError struct {
	Outcome Outcome
	Op      string // the method, such as "create"
	Status  int    // of the HTTP answer; 0: none came
	Reason  string
	Cause   error
}

// Error gives a text for logs.
func (e *IdentityError) Error() string {
	text := "identity " + e.Op + ": " + e.Reason
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap gives the cause.
func (e *IdentityError) Unwrap() error { return e.Cause }

// failure translates an error of Identities into one for callers. Sentinels
// whose meaning depends on the verb are the verb's own business.
func failure(err error) error {
	var e *IdentityError
	if !errors.As(err, &e) {
		return ErrInternal.Because(err)
	}
	switch e.Outcome {
	case OutcomeInvalid:
		return ErrTraitsInvalid.Reasonf("%s", e.Reason).Because(err)
	case OutcomeRefused:
		return ErrKratosRejected.Because(err)
	default:
		return ErrKratosAway.Because(err)
	}
}
