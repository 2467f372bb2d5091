package bridge

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Identity is an identity as the identity system returned it, reduced to what the
// bridge needs. JSON values are kept byte for byte, so that numbers keep their
// precision. Whether it may be written to is decided by judge alone.
type Identity struct {
	ID         uuid.UUID
	ExternalID string // the operator's own id; empty: none
	// OrganizationID is the organization that it belongs to; zero: none.
	OrganizationID uuid.UUID
	SchemaID       string
	Active         bool
	CreatedAt      time.Time // zero: not returned
	// StateChangedAt is when it last became active or inactive, in the time zone
	// of the response; zero: not returned.
	StateChangedAt time.Time
	Email          string // the address that the identity system sends email to; lower case; may be empty
	EmailTrait     string // dotted path of Email inside the traits; empty: the schema has no email trait
	// EmailIndex is the index of Email in the verifiable addresses; -1: it is
	// not among them.
	EmailIndex     int
	EmailVerified  bool
	Traits         json.RawMessage
	MetadataPublic json.RawMessage // empty: none
	MetadataAdmin  json.RawMessage // without the bridge's mark; empty: none, or nothing but the mark
	Mark           Mark
	// MetadataConflict is true if the admin metadata cannot hold the bridge's mark:
	// it is not an object, or another writer uses the member [MetadataKey].
	MetadataConflict bool
	Credentials      []Credential // only those that permit a sign-in, by type
	Identifiers      []string     // what a user enters beside the password
	// Addresses lists the verifiable, recovery and code addresses other than
	// Email.
	Addresses []string
}

// Credential is a credential that permits a sign-in. A type that every identity
// has from its creation, and that permits no sign-in, is not listed.
type Credential struct {
	Type string `json:"type"`
	// Identifiers are provider and subject, for oidc and saml.
	Identifiers []string `json:"identifiers,omitempty"`
	// Fixed is true if the identity system offers no way to remove it.
	Fixed bool `json:"-"`
}

// Mark is the bridge's own entry in the admin metadata of an identity. It is
// part of the same write as the change it records, and so proves who created the
// identity and which invitation activated it.
type Mark struct {
	InvitationID uuid.UUID // zero: no mark
	AcceptedAt   time.Time // zero: not activated by this invitation
	Origin       Origin    // empty: OriginCreated
	// Method is how this invitation was accepted; empty: AcceptPassword, or not at
	// all.
	Method AcceptMethod
}

// Origin is where the identity of an invitation comes from.
type Origin string

// The origins. The bridge only ever deletes identities that it created.
const (
	OriginCreated     Origin = "created"
	OriginAdopted     Origin = "adopted"     // it existed and had never been used
	OriginReactivated Origin = "reactivated" // it existed and had been used as an account
)

// Origins returns every origin.
func Origins() []Origin { return []Origin{OriginCreated, OriginAdopted, OriginReactivated} }

// IdentityParams are the parameters of [Identities].Create and CreateAll.
type IdentityParams struct {
	InvitationID   uuid.UUID
	ExternalID     string    // unique among all identities; empty: none
	OrganizationID uuid.UUID // zero: none
	SchemaID       string
	Traits         json.RawMessage // an object, the email trait included
	MetadataPublic json.RawMessage // empty: none
	MetadataAdmin  json.RawMessage // an object or empty
}

// CreateResult is the result of [Identities].CreateAll for one identity.
type CreateResult struct {
	Identity Identity // zero if Err is not nil
	Err      error
}

// Identities is an identity system. Each method may block until ctx ends. A
// failure is one of the sentinels below or an [*IdentityError]; nothing may be
// assumed about any other error. All methods are safe for concurrent use.
type Identities interface {
	// Create creates an inactive identity that carries the mark of the invitation.
	//
	// Errors: ErrIdentityExists if an identifier or the external id belongs to another
	// identity; ErrIdentityFieldUnknown.
	Create(ctx context.Context, n IdentityParams) (Identity, error)

	// CreateAll does the same as Create for each of n, in as few requests as
	// possible, and returns a result for each, in the same order. No two of n may
	// have the same InvitationID. It may take longer than any other method, in
	// proportion to the length of n.
	//
	// What it created is read again, so that a result shows what Get shows. Each
	// error is what is known of that one identity, whatever became of the others:
	// an error of Create; OutcomeUnknown also if it was created and could not be
	// read; OutcomeNotApplied also if nothing was sent because of an earlier
	// failure. Only after OutcomeUnknown may it exist. One call creates none of n
	// twice. A caller that tries again after OutcomeUnknown should pass fewer at
	// once: one of them may be what the identity system failed at.
	CreateAll(ctx context.Context, n []IdentityParams) []CreateResult

	// Get reads one identity.
	//
	// Errors: ErrIdentityNotFound.
	Get(ctx context.Context, id uuid.UUID) (Identity, error)

	// InactiveOf returns those of at most 100 ids that are inactive identities, or those of
	// none, in any order. An identity of which it is not certain is left out.
	InactiveOf(ctx context.Context, ids ...uuid.UUID) ([]uuid.UUID, error)

	// FindByEmail reads the identity that receives email at this address (in
	// canonical form, see [ParseEmail]), where that address is an identifier. An
	// identity that merely signs in with an identical text, and does not receive
	// email there, does not match.
	//
	// Errors: ErrIdentityNotFound.
	FindByEmail(ctx context.Context, email string) (Identity, error)

	// FindByTraits is FindByEmail for schemas with other identifiers: it searches
	// for the identifiers that the traits contain under that schema. It returns a
	// match only if that identity receives email at the address.
	//
	// Errors: ErrIdentityNotFound; taken then lists the dotted paths of the traits
	// whose values belong to other identities. Nothing else about these identities
	// may be disclosed.
	FindByTraits(ctx context.Context, email, schemaID string, traits json.RawMessage) (i Identity, taken []string, err error)

	// HasSessions reports whether the identity has sessions, in whatever state,
	// including ended ones that were not deleted.
	//
	// Errors: ErrIdentityNotFound.
	HasSessions(ctx context.Context, id uuid.UUID) (bool, error)

	// Write changes an identity that was read before, in one request, and leaves
	// everything else as it was read. It does not judge: the caller does, between
	// the read and the write. The request may have to wait for a connection; if it
	// is [Stale] by then, it is not sent.
	//
	// after is the identity as the response shows it. What responses to writes
	// leave out is taken from i, so after is as old as i. Zero: the response does
	// not show the identity well enough to judge it.
	//
	// Errors: ErrIdentityNotFound; ErrIdentityRace, also if it was not sent.
	Write(ctx context.Context, i Identity, w Write) (after Identity, err error)

	// EmailTrait returns the dotted path of the email address inside the traits of
	// a schema. It is usually answered from memory.
	//
	// Errors: OutcomeInvalid if there is no such schema, or it has no trait for a
	// single address; OutcomeNotApplied if the schema is currently unknown.
	EmailTrait(ctx context.Context, schemaID string) (string, error)

	// PasswordTraits returns the dotted paths of the password identifiers of a
	// schema; a path that ends in [] denotes the items of a list. None: identities
	// of this schema cannot sign in with a password. Otherwise as EmailTrait.
	PasswordTraits(ctx context.Context, schemaID string) ([]string, error)

	// StartRecovery starts a recovery flow for an active identity and returns its
	// code, of which nobody is notified.
	//
	// Errors: ErrIdentityNotFound; OutcomeInvalid if the identity system does not
	// permit ReturnTo.
	StartRecovery(ctx context.Context, p RecoveryParams) (RecoveryFlow, error)

	// SignIn creates a session by signing in with a password, under the first
	// of the identifiers that is one of the account.
	//
	// Errors: OutcomeRejected if none of them signs in.
	SignIn(ctx context.Context, identifiers []string, password string, d Device) (Session, error)

	// Ping returns nil if the identity system is ready to serve.
	Ping(ctx context.Context) error
}

// Write is one change to an identity. The set is closed: the types below. Name
// is used in logs, metrics and traces.
type Write interface{ Name() string }

// The writes.
type (
	// WriteMark writes the mark of an invitation into the admin metadata.
	WriteMark struct{ Mark Mark }
	// WriteVerified marks Identity.Email as verified.
	WriteVerified struct{ At time.Time }
	// WriteActive sets password, active state and mark, in one atomic write.
	WriteActive struct {
		Mark     Mark
		Password string
	}
	// WriteActiveOnly sets active state and mark, and leaves the credentials as they
	// are. If VerifiedAt is not zero, it also marks Identity.Email as verified. All
	// of that is one atomic write.
	WriteActiveOnly struct {
		Mark       Mark
		VerifiedAt time.Time
	}
	// WritePassword sets a password and leaves the identity inactive.
	WritePassword struct{ Password string }
	// EndSessions deletes all sessions.
	EndSessions struct{}
	// RemoveCredential removes a credential; it is no error if it is missing.
	// Identifier is that of one oidc or saml link, and empty otherwise.
	RemoveCredential struct{ Type, Identifier string }
	// DeleteIdentity deletes the identity; it is no error if it is missing.
	DeleteIdentity struct{}
)

// Name implements [Write].
func (WriteMark) Name() string { return "mark" }

// Name implements [Write].
func (WriteVerified) Name() string { return "verify" }

// Name implements [Write].
func (WriteActive) Name() string { return "activate" }

// Name implements [Write].
func (WriteActiveOnly) Name() string { return "activate_only" }

// Name implements [Write].
func (WritePassword) Name() string { return "set_password" }

// Name implements [Write].
func (EndSessions) Name() string { return "end_sessions" }

// Name implements [Write].
func (RemoveCredential) Name() string { return "remove_credential" }

// Name implements [Write].
func (DeleteIdentity) Name() string { return "delete" }
