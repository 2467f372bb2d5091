package kratostest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/uuid"
)

// Shown is the part of an identity, as the admin API shows it, that tests read.
type Shown struct {
	ID                  uuid.UUID                  `json:"id"`
	ExternalID          string                     `json:"external_id"`
	SchemaID            string                     `json:"schema_id"`
	State               string                     `json:"state"`
	StateChangedAt      string                     `json:"state_changed_at"`
	CreatedAt           string                     `json:"created_at"`
	UpdatedAt           string                     `json:"updated_at"`
	Traits              json.RawMessage            `json:"traits"`
	MetadataPublic      json.RawMessage            `json:"metadata_public"`
	MetadataAdmin       json.RawMessage            `json:"metadata_admin"`
	Credentials         map[string]ShownCredential `json:"credentials"`
	VerifiableAddresses []ShownAddress             `json:"verifiable_addresses"`
	RecoveryAddresses   []ShownAddress             `json:"recovery_addresses"`
}

// ShownAddress is one of the addresses.
type ShownAddress struct {
	Value    string `json:"value"`
	Via      string `json:"via"`
	Verified bool   `json:"verified"` // always false for a recovery address
}

// ShownCredential is one of the credentials. Its config is present for the
// types that were requested.
type ShownCredential struct {
	Identifiers []string        `json:"identifiers"`
	Config      json.RawMessage `json:"config"`
}

// Show reads an identity with the config of these types of credentials.
func (a rawAdmin) Show(ctx context.Context, id uuid.UUID, types ...string) (Shown, error) {
	path := identityPath(id)
	if len(types) > 0 {
		path += "?" + url.Values{"include_credential": types}.Encode()
	}
	return a.shown(a.call(ctx, http.StatusOK, http.MethodGet, path, nil))
}

// CreateShown is Create, but returns the whole response.
func (a rawAdmin) CreateShown(ctx context.Context, body string) (Shown, error) {
	return a.shown(a.call(ctx, http.StatusCreated, http.MethodPost, identitiesPath, []byte(body)))
}

// Patch sends a JSON patch unchanged to PATCH /admin/identities/{id} and
// returns the response.
func (a rawAdmin) Patch(ctx context.Context, id uuid.UUID, patch string) (Shown, error) {
	return a.shown(a.call(ctx, http.StatusOK, http.MethodPatch, identityPath(id), []byte(patch)))
}

// SetState changes only the state, "active" or "inactive".
func (a rawAdmin) SetState(ctx context.Context, id uuid.UUID, state string) error {
	_, err := a.Patch(ctx, id, fmt.Sprintf(`[{"op":"replace","path":"/state","value":%q}]`, state))
	return err
}

// DeleteCredential removes a credential. OIDC and SAML credentials need an
// identifier, "provider:subject"; others have none. What Kratos rejects, and
// with which status, differs between versions: see TestFacts.
func (a rawAdmin) DeleteCredential(ctx context.Context, id uuid.UUID, kind, identifier string) error {
	path := identityPath(id) + "/credentials/" + kind
	if identifier != "" {
		path += "?identifier=" + url.QueryEscape(identifier)
	}
	_, err := a.call(ctx, http.StatusNoContent, http.MethodDelete, path, nil)
	return err
}

func (a rawAdmin) shown(answer []byte, err error) (Shown, error) {
	if err != nil {
		return Shown{}, err
	}
	var shown Shown
	err = json.Unmarshal(answer, &shown)
	return shown, err
}
