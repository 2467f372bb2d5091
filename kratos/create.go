package kratos

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	ory "github.com/ory/client-go"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// Create creates an inactive identity that carries the mark. It returns
// bridge.OutcomeInvalid with Kratos' reason if the identity schema rejects the
// identity, and also if metadata_admin is not an object or already contains the
// bridge's own key, because the mark could not be added. See
// [bridge.Identities].
func (c *Client) Create(ctx context.Context, n bridge.IdentityParams) (bridge.Identity, error) {
	k, ctx, cancel := c.begin(ctx, "create")
	defer cancel()
	body, err := k.createBody(n)
	if err == nil {
		_, err = c.emailAt(ctx, n.SchemaID) // without it the response could not be read
	}
	if err != nil {
		return bridge.Identity{}, err
	}
	return k.create(ctx, n, body)
}

func (k call) create(ctx context.Context, n bridge.IdentityParams, body ory.CreateIdentityBody) (bridge.Identity, error) {
	c := k.client
	a, err := k.write(ctx, func(ctx context.Context) (*http.Response, error) {
		_, res, err := c.api.CreateIdentity(ctx).CreateIdentityBody(body).Execute()
		return res, err
	})
	if err != nil {
		return bridge.Identity{}, k.createError(ctx, err, n.SchemaID)
	}
	r, err := c.parseRecord(ctx, a.body, credentialTypes)
	if err != nil || r.Active || r.Mark.InvitationID != n.InvitationID {
		return bridge.Identity{}, k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, err)
	}
	if r.Email == "" && c.schemas != nil {
		c.schemas.Invalidate(n.SchemaID)
	}
	return r, nil
}

// createError classifies the error of a request to create an identity.
func (k call) createError(ctx context.Context, err error, schemaID string) error {
	if isUnknownField(err, "external_id", "organization_id") {
		return bridge.ErrIdentityFieldUnknown
	}
	return k.classify(k.invalidInput(ctx, err, schemaID), map[int]error{http.StatusConflict: bridge.ErrIdentityExists})
}

func (k call) createBody(n bridge.IdentityParams) (ory.CreateIdentityBody, error) {
	var none ory.CreateIdentityBody
	if n.InvitationID == uuid.Nil {
		return none, k.rejected("an identity must be created for an invitation")
	}
	traits, err := asValues(n.Traits)
	if err != nil {
		return none, k.invalid("traits: not a JSON object")
	}
	admin, err := addMark(n.MetadataAdmin, bridge.Mark{InvitationID: n.InvitationID})
	switch {
	case errors.Is(err, errMetadataNotObject):
		return none, k.invalid("metadata_admin: not a JSON object")
	case errors.Is(err, errMetadataKeyTaken):
		return none, k.invalid("metadata_admin: the key %q is reserved for the bridge", markKey)
	case err != nil:
		return none, k.invalid("metadata_admin: %v", err)
	}
	body := *ory.NewCreateIdentityBody(n.SchemaID, traits)
	body.SetState(stateInactive) // Kratos' default is active
	body.MetadataAdmin = admin
	if n.ExternalID != "" {
		body.SetExternalId(n.ExternalID)
	}
	if n.OrganizationID != uuid.Nil {
		body.SetOrganizationId(n.OrganizationID.String())
	}
	if !missing(n.MetadataPublic) {
		if !json.Valid(n.MetadataPublic) {
			return none, k.invalid("metadata_public: not JSON")
		}
		body.MetadataPublic = n.MetadataPublic
	}
	return body, nil
}

// invalidInput turns Kratos' own 400 into an error whose reason is meant for
// the caller. A 400 of a proxy says nothing about the input.
func (k call) invalidInput(ctx context.Context, err error, schemaID string) error {
	var r statusError
	if !errors.As(err, &r) || r.status != http.StatusBadRequest {
		return err
	}
	p, fromKratos := parseProblem(r)
	if !fromKratos {
		return err
	}
	if none := k.client.invalidateSchemas(ctx, schemaID); none != nil {
		return none
	}
	return k.fail(bridge.OutcomeInvalid, r.status, k.safe(invalidInput(p.text())), nil)
}

// isUnknownField reports whether err is Kratos' 400 for a request with one of these
// fields, which releases before v25.4.0 do not know.
func isUnknownField(err error, names ...string) bool {
	var r statusError
	if !errors.As(err, &r) || r.status != http.StatusBadRequest {
		return false
	}
	p, fromKratos := parseProblem(r)
	return fromKratos && slices.ContainsFunc(names, func(name string) bool {
		text := `unknown field "` + name + `"`
		return strings.Contains(p.Message, text) || strings.Contains(p.Reason, text)
	})
}
