package kratos

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

var _ bridge.Sessions = (*PublicClient)(nil)

// WhoAmI asks Kratos for the holder of a session. See [bridge.Sessions].
func (p *PublicClient) WhoAmI(ctx context.Context, session bridge.Session) (bridge.Inviter, error) {
	k, ctx, cancel := p.client.begin(ctx, "whoami", session.Reveal())
	defer cancel()
	header := http.Header{"Accept": {"application/json"}}
	if name := session.Cookie(); name != "" {
		header.Set("Cookie", (&http.Cookie{Name: name, Value: session.Reveal()}).String()) //nolint:gosec // a request's cookie has no attributes
	} else {
		header.Set("X-Session-Token", session.Reveal())
	}
	a, err := k.read(ctx, func(ctx context.Context) (*http.Response, error) {
		return p.client.do(ctx, http.MethodGet, "/sessions/whoami", nil, header)
	})
	var refused statusError
	if errors.As(err, &refused) {
		problem, fromKratos := parseProblem(refused)
		switch {
		case !fromKratos:
		case refused.status == http.StatusUnauthorized:
			return bridge.Inviter{}, bridge.ErrSessionInvalid
		case refused.status == http.StatusForbidden && problem.ID == problemSecondFactor:
			return bridge.Inviter{}, bridge.ErrSecondFactorRequired
		}
	}
	if err != nil {
		return bridge.Inviter{}, k.classify(err, nil)
	}
	return k.parseSession(a)
}

// problemSecondFactor is Kratos' error id for a session with one factor, of an account
// with two, where session.whoami.required_aal is highest_available.
const problemSecondFactor = "session_aal2_required"

func (k call) parseSession(a response) (bridge.Inviter, error) {
	var s struct {
		Active   bool   `json:"active"`
		AAL      string `json:"authenticator_assurance_level"`
		Identity *struct {
			ID             uuid.UUID       `json:"id"`
			SchemaID       string          `json:"schema_id"`
			State          string          `json:"state"`
			OrganizationID *uuid.UUID      `json:"organization_id"`
			Traits         json.RawMessage `json:"traits"`
			MetadataPublic json.RawMessage `json:"metadata_public"`
		} `json:"identity"`
	}
	if parse(a.body, &s) != nil || s.Identity == nil || s.Identity.ID == uuid.Nil || s.Identity.SchemaID == "" {
		return bridge.Inviter{}, k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, nil)
	}
	if !s.Active || s.Identity.State != "active" {
		return bridge.Inviter{}, bridge.ErrSessionInvalid
	}
	i := bridge.Inviter{
		ID: s.Identity.ID, SchemaID: s.Identity.SchemaID, AAL: s.AAL, Traits: s.Identity.Traits, MetadataPublic: s.Identity.MetadataPublic,
	}
	if s.Identity.OrganizationID != nil {
		i.OrganizationID = *s.Identity.OrganizationID
	}
	return i, nil
}
