package kratos

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	ory "github.com/ory/client-go"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// Create makes an inactive identity that carries the mark. What Kratos' schema
// refuses is bridge.OutcomeInvalid, with Kratos' reason. So are metadata_admin
// that is no object, or has the bridge's own key, for the mark must fit in. See
// [bridge.Identities].
func (c *Client) Create(ctx context.Context, n bridge.NewIdentity) (bridge.Identity, error) {
	k, ctx, cancel := c.begin(ctx, "create")
	defer cancel()
	body, err := k.creation(n)
	if err == nil {
		_, err = c.emailAt(ctx, n.SchemaID) // else the answer could not be read
	}
	if err != nil {
		return bridge.Identity{}, err
	}
	a, err := k.write(ctx, func(ctx context.Context) (*http.Response, error) {
		_, res, err := c.api.CreateIdentity(ctx).CreateIdentityBody(body).Execute()
		return res, err
	})
	if err != nil {
		return bridge.Identity{}, k.judge(k.mendable(ctx, err, n.SchemaID), map[int]error{http.StatusConflict: bridge.ErrIdentityExists})
	}
	r, err := c.parseRecord(ctx, a.body, types)
	if err != nil || r.Active || r.Mark.InvitationID != n.InvitationID {
		return bridge.Identity{}, k.fail(bridge.OutcomeUnknown, a.status, textOddBody, err)
	}
	if r.Email == "" && c.schemas != nil {
		c.schemas.Doubt(n.SchemaID)
	}
	return r, nil
}

func (k call) creation(n bridge.NewIdentity) (ory.CreateIdentityBody, error) {
	var none ory.CreateIdentityBody
	if n.InvitationID == uuid.Nil {
		return none, k.refuse("an identity must be made for an invitation")
	}
	traits, err := asValues(n.Traits)
	if err != nil {
		return none, k.invalid("traits: not a JSON object")
	}
	admin, err := putMark(n.MetadataAdmin, bridge.Mark{InvitationID: n.InvitationID})
	switch {
	case errors.Is(err, errMetadataNoObject):
		return none, k.invalid("metadata_admin: not a JSON object")
	case errors.Is(err, errMetadataKeyTaken):
		return none, k.invalid("metadata_admin: the key %q is kept for the bridge", markKey)
	case err != nil:
		return none, k.invalid("metadata_admin: %v", err)
	}
	body := *ory.NewCreateIdentityBody(n.SchemaID, traits)
	body.SetState(stateInactive) // Kratos' default is active
	body.MetadataAdmin = admin
	if !missing(n.MetadataPublic) {
		if !json.Valid(n.MetadataPublic) {
			return none, k.invalid("metadata_public: not JSON")
		}
		body.MetadataPublic = n.MetadataPublic
	}
	return body, nil
}

// mendable turns Kratos' own 400 into an error whose reason is for the caller.
// A 400 of something else in between says nothing about the input.
func (k call) mendable(ctx context.Context, err error, schemaID string) error {
	var r errRefused
	if !errors.As(err, &r) || r.status != http.StatusBadRequest {
		return err
	}
	p, fromKratos := parseProblem(r)
	if !fromKratos {
		return err
	}
	if none := k.client.doubt(ctx, schemaID); none != nil {
		return none
	}
	return k.fail(bridge.OutcomeInvalid, r.status, k.safe(mendable(p.text())), nil)
}
