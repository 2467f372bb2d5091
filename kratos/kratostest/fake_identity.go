package kratostest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
)

const (
	stateActive   = "active"
	stateInactive = "inactive"
)

// fakeIdentity is an identity, with the JSON names of the admin API.
type fakeIdentity struct {
	ID             uuid.UUID       `json:"id"`
	ExternalID     string          `json:"external_id,omitempty"`
	OrganizationID *uuid.UUID      `json:"organization_id,omitempty"` // kept by a PUT
	SchemaID       string          `json:"schema_id"`
	State          string          `json:"state"`
	StateChangedAt time.Time       `json:"state_changed_at,omitzero"` // as stored in the database
	Traits         json.RawMessage `json:"traits"`
	MetadataPublic json.RawMessage `json:"metadata_public"`
	MetadataAdmin  json.RawMessage `json:"metadata_admin"`
	CreatedAt      time.Time       `json:"created_at"`
	UpdatedAt      time.Time       `json:"updated_at"`

	VerifiableAddresses []shownAddress    `json:"verifiable_addresses,omitempty"`
	RecoveryAddresses   []recoveryAddress `json:"recovery_addresses,omitempty"`

	answered    time.Time // state_changed_at in the response to the write that set it
	password    string    // plain text; empty for an imported hash
	credentials map[string]credential
	sessions    []fakeSession
}

// apply replaces i with a body. Members that are missing in the body are
// erased, except schema, state and credentials.
func (i *fakeIdentity) apply(b identityBody, o FakeOptions, now time.Time) (reply, bool) {
	if b.SchemaID != "" {
		i.SchemaID = b.SchemaID
	}
	if b.State != "" && !i.setState(o, b.State, now) {
		return badRequest(fmt.Sprintf("the state %q is not valid", b.State))
	}
	if r, ok := i.importCredentials(b.Credentials, o); !ok {
		return r, false
	}
	i.Traits, i.MetadataPublic, i.MetadataAdmin = b.Traits, b.MetadataPublic, b.MetadataAdmin
	i.UpdatedAt = o.written(now)
	return i.checkAndDerive(o)
}

// checkAndDerive validates the traits and derives identifiers and addresses
// from them.
func (i *fakeIdentity) checkAndDerive(o FakeOptions) (reply, bool) {
	schema, ok := o.schemas[i.SchemaID]
	if !ok {
		return badRequest("unknown schema " + i.SchemaID)
	}
	d, reason := schema.check(i.Traits)
	if reason != "" {
		return badRequest(reason)
	}
	i.deriveCredentials(d)
	i.deriveAddresses(d)
	return reply{}, true
}

func badRequest(reason string) (reply, bool) {
	return refusal(http.StatusBadRequest, reason, "bad request"), false
}

// copy returns a copy that shares nothing that is modified in place.
func (i *fakeIdentity) copy() *fakeIdentity {
	c := *i
	c.answered = time.Time{}
	c.credentials = maps.Clone(i.credentials)
	c.VerifiableAddresses = slices.Clone(i.VerifiableAddresses)
	c.RecoveryAddresses = slices.Clone(i.RecoveryAddresses)
	c.sessions = slices.Clone(i.sessions)
	return &c
}

// shownIdentity is an identity in a response.
type shownIdentity struct {
	fakeIdentity
	Credentials map[string]shownCredential `json:"credentials,omitempty"`
}

// show returns the identity as GET shows it, with the config of some credential
// types.
func (i *fakeIdentity) show(o FakeOptions, methods []string) shownIdentity {
	return shownIdentity{*i, i.showCredentials(o, methods)}
}

// answer returns the identity as in the response to a write, where
// state_changed_at has not yet been rounded by the database.
func (i *fakeIdentity) answer(o FakeOptions) shownIdentity {
	shown := i.show(o, nil)
	if !i.answered.IsZero() {
		shown.StateChangedAt = i.answered
	}
	return shown
}
