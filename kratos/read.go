package kratos

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// Get reads one identity. See [bridge.Identities].
func (c *Client) Get(ctx context.Context, id uuid.UUID) (bridge.Identity, error) {
	k, ctx, cancel := c.begin(ctx, "get")
	defer cancel()
	return k.get(ctx, id)
}

func (k call) get(ctx context.Context, id uuid.UUID) (bridge.Identity, error) {
	c := k.client
	a, err := k.read(ctx, func(ctx context.Context) (*http.Response, error) {
		_, res, err := c.api.GetIdentity(ctx, id.String()).IncludeCredential(declassified).Execute()
		return res, err
	})
	if err != nil {
		return bridge.Identity{}, k.classify(err, map[int]error{http.StatusNotFound: bridge.ErrIdentityNotFound})
	}
	r, err := c.parseRecord(ctx, a.body, credentialConfigs)
	if err != nil || r.ID != id {
		return bridge.Identity{}, k.schemaReadError(a.status, err)
	}
	return r, nil
}

// HasSessions reports whether an identity has sessions. Kratos lists them in
// every state of the identity and until they are deleted, including expired and
// signed-out ones. See [bridge.Identities].
func (c *Client) HasSessions(ctx context.Context, id uuid.UUID) (bool, error) {
	k, ctx, cancel := c.begin(ctx, "has_sessions")
	defer cancel()
	a, err := k.read(ctx, c.getRequest("/admin/identities/"+id.String()+"/sessions?page_size=1&per_page=1"))
	if err != nil {
		return false, k.classify(err, map[int]error{http.StatusNotFound: bridge.ErrIdentityNotFound})
	}
	var sessions []struct{}
	if err := parse(a.body, &sessions); err != nil || sessions == nil {
		return false, k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, nil)
	}
	return len(sessions) > 0, nil
}
