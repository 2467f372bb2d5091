package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Identity is what the bridge needs to know of an identity, as the identity
// system shows it. JSON values are kept as they came, byte for byte, so that no
// number loses a digit. Whether it may be written to is for judge to say.
type Identity struct {
	ID         uuid.UUID
	ExternalID string // the team's own id for it; empty: none
	SchemaID   string
	Active     bool
	CreatedAt  time.Time // zero: not shown
	// StateChangedAt is when it last became active or inactive, in the zone that
	// it was shown in; zero: not shown.
	StateChangedAt time.Time
	Email          string // as the identity system sends email to it; lower case; may be empty
	EmailTrait     string // dotted path inside the traits where Email is; empty: the schema has no place for it
	// EmailIndex is the position of Email among the verifiable addresses; -1:
	// none of them.
	EmailIndex     int
	EmailVerified  bool
	Traits         json.RawMessage
	MetadataPublic json.RawMessage // empty: none
	MetadataAdmin  json.RawMessage // without the bridge's mark; empty: none, or no member
	Mark           Mark
	// MarkForeign says that the admin metadata cannot take the bridge's mark:
	// it is not an object, or has a member of that name that is not the bridge's.
	MarkForeign bool
	Credentials []Credential // what opens something, by type
	Identifiers []string     // what one types beside the password
	// Addresses are all that the identity is reached by, and signed in to by
	// code, other than Email.
	Addresses []string
}

// Credential is a way to sign in that is set: it opens something. A type that
// an identity has from birth and that opens nothing is not one.
type Credential struct {
	Type string `json:"type"`
	// Identifiers say who it is at which provider, for oidc and saml.
	Identifiers []string `json:"identifiers,omitempty"`
	// Fixed says that the identity system cannot be made to remove it.
	Fixed bool `json:"-"`
}

// Mark is the bridge's own note in an identity's admin metadata. It travels in
// the same write as what it records, and so proves who made an identity and
// which invitation activated it.
type Mark struct {
	InvitationID uuid.UUID // zero: the bridge made or activated nothing here
	AcceptedAt   time.Time // zero: not activated by this invitation
	Origin       Origin    // empty: OriginCreated
}

// Origin says where the identity of an invitation comes from.
type Origin string

// The origins. Only an identity that the bridge created may it ever delete.
const (
	OriginCreated     Origin = "created"
	OriginAdopted     Origin = "adopted"     // it existed, and had never been used
	OriginReactivated Origin = "reactivated" // it was somebody's account before
)

// NewIdentity is what an invited identity starts with.
type NewIdentity struct {
	InvitationID   uuid.UUID
	SchemaID       string
	Traits         json.RawMessage // an object, the email trait included
	MetadataPublic json.RawMessage // empty: none
	MetadataAdmin  json.RawMessage // an object or empty
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

	// FindByEmail reads the identity that email is sent to at this address (in
	// canonical form, see [ParseEmail]), where that is something one signs in
	// with. One that merely signs in with a text that looks like it is not it.
	// ErrIdentityNotFound.
	FindByEmail(ctx context.Context, email string) (Identity, error)

	// FindByTraits is FindByEmail for where one signs in with something else: it
	// looks for what the traits hold of that, under a schema. An identity that has
	// it is given only if email is sent to it at this address. With
	// ErrIdentityNotFound, taken are the dotted paths of the traits whose values
	// belong to other identities; of these nothing else is to be shown.
	FindByTraits(ctx context.Context, email, schemaID string, traits json.RawMessage) (i Identity, taken []string, err error)

	// HasSessions says whether the identity has sessions, those that ended and
	// were not deleted included, whatever its state. ErrIdentityNotFound.
	HasSessions(ctx context.Context, id uuid.UUID) (bool, error)

	// Write changes an identity that was read before, in one request, and
	// leaves everything else as it was read. It does not judge: that is for the
	// caller, between the read and this. The request may have to wait for a
	// connection; one that is [Stale] by then is not sent, which is
	// ErrIdentityRace. ErrIdentityNotFound; ErrIdentityRace.
	Write(ctx context.Context, i Identity, w Write) error

	// EmailTrait gives the dotted path inside the traits at which identities of a
	// schema have their email address. OutcomeInvalid: there is no such schema, or
	// it has no place for one address. OutcomeNotDone: it is not known now. It is
	// answered from memory, save now and then.
	EmailTrait(ctx context.Context, schemaID string) (string, error)

	// PasswordTraits gives the dotted paths of what identities of a schema sign in
	// with by password; a path that ends in [] is of the items of a list. None:
	// they cannot. It is as EmailTrait otherwise.
	PasswordTraits(ctx context.Context, schemaID string) ([]string, error)

	// Ping says whether the identity system is ready to serve.
	Ping(ctx context.Context) error
}

// Write is one change to an identity. The set is closed: the types below. Name
// is for logs, metrics and traces.
type Write interface{ Name() string }

// The writes.
type (
	// WriteMark notes an invitation in the admin metadata.
	WriteMark struct{ Mark Mark }
	// WriteVerified marks Identity.Email as verified.
	WriteVerified struct{ At time.Time }
	// WriteActive sets password, active state and mark, in one atomic write.
	WriteActive struct {
		Mark     Mark
		Password string
	}
	// WritePassword sets a password and leaves the identity inactive.
	WritePassword struct{ Password string }
	// EndSessions signs everybody out for good.
	EndSessions struct{}
	// RemoveCredential takes a way to sign in away; one that is missing is no
	// error. Identifier is that of one oidc or saml link, and empty otherwise.
	RemoveCredential struct{ Type, Identifier string }
	// DeleteIdentity removes the identity; one that is missing is no error.
	DeleteIdentity struct{}
)

// Name implements [Write].
func (WriteMark) Name() string { return "mark" }

// Name implements [Write].
func (WriteVerified) Name() string { return "verify" }

// Name implements [Write].
func (WriteActive) Name() string { return "activate" }

// Name implements [Write].
func (WritePassword) Name() string { return "set_password" }

// Name implements [Write].
func (EndSessions) Name() string { return "end_sessions" }

// Name implements [Write].
func (RemoveCredential) Name() string { return "remove_credential" }

// Name implements [Write].
func (DeleteIdentity) Name() string { return "delete" }

// Sentinels of [Identities].
var (
	ErrIdentityNotFound = errors.New("identity not found")
	ErrIdentityExists   = errors.New("identity exists")
	// ErrIdentityRace says that somebody else wrote the identity at the same
	// time, and that this write changed nothing.
	ErrIdentityRace = errors.New("somebody else wrote the identity at the same time")
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
