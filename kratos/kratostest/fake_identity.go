package kratostest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
)

// fakeIdentity is one identity, with the JSON names of the admin API.
type fakeIdentity struct {
	ID             uuid.UUID       `json:"id"`
	ExternalID     string          `json:"external_id,omitempty"`
	SchemaID       string          `json:"schema_id"`
	State          string          `json:"state"`
	StateChangedAt time.Time       `json:"state_changed_at"`
	Traits         json.RawMessage `json:"traits"`
	MetadataPublic json.RawMessage `json:"metadata_public"`
	MetadataAdmin  json.RawMessage `json:"metadata_admin"`
	CreatedAt      time.Time       `json:"created_at"`
	UpdatedAt      time.Time       `json:"updated_at"`

	password  string
	hashed    bool // a hash was imported, and there is no password to compare with
	providers []string
	address   string // lower case
	mailbox   shownAddress
}

func newFakeIdentity() *fakeIdentity {
	now := time.Now().UTC()
	return &fakeIdentity{ID: uuid.New(), State: "active", CreatedAt: now, UpdatedAt: now, StateChangedAt: now}
}

// apply makes i what a body says: all of it, for what a body leaves out is
// erased, but for schema, state and credentials.
func (i *fakeIdentity) apply(b identityBody) (reply, bool) {
	bad := func(reason string) (reply, bool) {
		return refusal(http.StatusBadRequest, reason, "bad request"), false
	}
	if b.SchemaID != "" {
		i.SchemaID = b.SchemaID
	}
	if b.State != "" && b.State != "active" && b.State != "inactive" {
		return bad(fmt.Sprintf("the state %q is not valid", b.State))
	}
	now := time.Now().UTC()
	if b.State != "" && b.State != i.State {
		i.State, i.StateChangedAt = b.State, now
	}
	if r, ok := i.importCredentials(b.Credentials); !ok {
		return r, false
	}
	schema, ok := fakeSchemas[i.SchemaID]
	if !ok {
		return bad("there is no schema " + i.SchemaID)
	}
	address, reason := schema.check(b.Traits)
	if reason != "" {
		return bad(reason)
	}
	i.address = address
	i.keepMailbox()
	i.Traits, i.MetadataPublic, i.MetadataAdmin = b.Traits, b.MetadataPublic, b.MetadataAdmin
	i.UpdatedAt = now
	return reply{}, true
}

func (i *fakeIdentity) importCredentials(c *credentialsBody) (reply, bool) {
	if c == nil {
		return reply{}, true
	}
	if c.Password != nil {
		password := c.Password.Config.Password
		if len(password) > maxPasswordLength {
			return refusal(http.StatusInternalServerError, "", "the password is too long"), false
		}
		i.password, i.hashed = password, c.Password.Config.HashedPassword != ""
	}
	if c.OIDC != nil {
		i.providers = nil
		for _, p := range c.OIDC.Config.Providers {
			i.providers = append(i.providers, p.Provider+":"+p.Subject)
		}
	}
	return reply{}, true
}

// identifiers gives those that must be unique, with their methods.
func (i *fakeIdentity) identifiers() []identifier {
	all := []identifier{{methodPassword, i.address}}
	for _, p := range i.providers {
		all = append(all, identifier{methodOIDC, p})
	}
	return all
}

type shownCredential struct {
	Type        string   `json:"type"`
	Identifiers []string `json:"identifiers"`
	Config      any      `json:"config,omitempty"`
	Version     int      `json:"version"`
}

// show gives the identity as the admin API does. The password's credential is
// there whether or not there is a password; the config tells, if asked for.
func (i *fakeIdentity) show(methods []string) any {
	password := shownCredential{Type: methodPassword, Identifiers: []string{i.address}}
	if slices.Contains(methods, methodPassword) {
		config := map[string]string{}
		if i.password != "" || i.hashed {
			config["hashed_password"] = "$fake$"
		}
		password.Config = config
	}
	credentials := map[string]shownCredential{methodPassword: password}
	if len(i.providers) > 0 {
		credentials[methodOIDC] = shownCredential{Type: methodOIDC, Identifiers: i.providers}
	}
	return struct {
		*fakeIdentity
		Credentials         map[string]shownCredential `json:"credentials"`
		VerifiableAddresses []shownAddress             `json:"verifiable_addresses"`
	}{i, credentials, []shownAddress{i.mailbox}}
}
