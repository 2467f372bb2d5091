package kratos

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// findLimit is how many identities a search may give. Identifiers are unique
// for each credential type, so there are a few at most.
const findLimit = 16

// Get reads one identity. See [bridge.Identities].
func (c *Client) Get(ctx context.Context, id uuid.UUID) (bridge.Identity, error) {
	k, ctx, cancel := c.begin(ctx, "get")
	defer cancel()
	a, err := k.read(ctx, func(ctx context.Context) (*http.Response, error) {
		_, res, err := c.api.GetIdentity(ctx, id.String()).IncludeCredential(declassified).Execute()
		return res, err
	})
	if err != nil {
		return bridge.Identity{}, k.judge(err, map[int]error{http.StatusNotFound: bridge.ErrIdentityNotFound})
	}
	r, err := c.parseRecord(ctx, a.body, configs)
	if err != nil || r.ID != id {
		return bridge.Identity{}, k.unread(a.status, err)
	}
	return r, nil
}

// HasSessions asks for the sessions of an identity. Kratos lists them whatever
// its state is, and until they are deleted: those that have expired or were
// signed out of too. See [bridge.Identities].
func (c *Client) HasSessions(ctx context.Context, id uuid.UUID) (bool, error) {
	k, ctx, cancel := c.begin(ctx, "has_sessions")
	defer cancel()
	a, err := k.read(ctx, c.at("/admin/identities/"+id.String()+"/sessions?page_size=1&per_page=1"))
	if err != nil {
		return false, k.judge(err, map[int]error{http.StatusNotFound: bridge.ErrIdentityNotFound})
	}
	var sessions []struct{}
	if err := json.Unmarshal(a.body, &sessions); err != nil || sessions == nil {
		return false, k.fail(bridge.OutcomeUnknown, a.status, textOddBody, nil)
	}
	return len(sessions) > 0, nil
}

// FindByEmail reads the identity that email is sent to at this address. Kratos
// searches the identifiers of all credential types, those of an identity that
// cannot sign in yet included; what it finds is checked here once more. One that
// has the address as a user name alone is not found. See [bridge.Identities].
func (c *Client) FindByEmail(ctx context.Context, email string) (bridge.Identity, error) {
	k, ctx, cancel := c.begin(ctx, "find")
	defer cancel()
	if email == "" {
		return bridge.Identity{}, k.invalid("there is no e-mail address to look for") // Kratos would list everybody
	}
	a, err := k.read(ctx, func(ctx context.Context) (*http.Response, error) {
		_, res, err := c.api.ListIdentities(ctx).CredentialsIdentifier(email).
			IncludeCredential(declassified).PageSize(findLimit).PerPage(findLimit).Execute()
		return res, err
	})
	if err != nil {
		return bridge.Identity{}, k.judge(err, nil)
	}
	var found []json.RawMessage
	if err := json.Unmarshal(a.body, &found); err != nil || found == nil {
		return bridge.Identity{}, k.fail(bridge.OutcomeUnknown, a.status, textOddBody, nil)
	}
	return k.choose(ctx, found, email)
}

// choose picks the one identity that email is sent to at the address.
func (k call) choose(ctx context.Context, found []json.RawMessage, email string) (bridge.Identity, error) {
	var reached []bridge.Identity
	for _, raw := range found {
		r, err := k.client.parseRecord(ctx, raw, configs)
		if err != nil {
			return bridge.Identity{}, k.fail(bridge.OutcomeUnknown, http.StatusOK, textOddBody, err)
		}
		if r.Email == email {
			reached = append(reached, r)
		}
	}
	switch len(reached) {
	case 0:
		return bridge.Identity{}, bridge.ErrIdentityNotFound
	case 1:
		return reached[0], nil
	}
	return bridge.Identity{}, k.refuse("%d identities have this email address", len(reached))
}
