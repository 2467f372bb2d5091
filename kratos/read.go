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
	r, err := k.get(ctx, id)
	return r.Identity, err
}

func (k call) get(ctx context.Context, id uuid.UUID) (record, error) {
	a, err := k.read(ctx, func(ctx context.Context) (*http.Response, error) {
		_, res, err := k.client.api.GetIdentity(ctx, id.String()).IncludeCredential(declassified).Execute()
		return res, err
	})
	if err != nil {
		return record{}, k.judge(err, map[int]error{http.StatusNotFound: bridge.ErrIdentityNotFound})
	}
	r, err := k.client.parseRecord(a.body)
	if err != nil || r.ID != id {
		return record{}, k.fail(bridge.OutcomeUnknown, a.status, textOddBody, err)
	}
	return r, nil
}

// FindByEmail reads the identity that has email as an identifier. Kratos
// searches the identifiers of all credential types, those of an identity that
// cannot sign in yet included; what it finds is checked here once more. See
// [bridge.Identities].
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
	return k.choose(found, email)
}

// choose picks the one identity that the e-mail address is written to at. An
// address may be the user name of one identity and the mailbox of another: then
// it is the mailbox that counts.
func (k call) choose(found []json.RawMessage, email string) (bridge.Identity, error) {
	var named, reached []record
	for _, raw := range found {
		r, err := k.client.parseRecord(raw)
		if err != nil {
			return bridge.Identity{}, k.fail(bridge.OutcomeUnknown, http.StatusOK, textOddBody, err)
		}
		if r.answersTo(email) {
			named = append(named, r)
		}
		if r.Email == email {
			reached = append(reached, r)
		}
	}
	switch {
	case len(reached) == 1:
		return reached[0].Identity, nil
	case len(named) == 1:
		return named[0].Identity, nil
	case len(named) == 0:
		return bridge.Identity{}, bridge.ErrIdentityNotFound
	}
	return bridge.Identity{}, k.refuse("%d identities have this e-mail address as an identifier", len(named))
}
