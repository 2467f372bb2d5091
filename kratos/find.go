package kratos

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// findLimit is how many identities a search may give. Identifiers are unique
// for each credential type, so there are a few at most.
const findLimit = 16

// FindByEmail reads the identity that email is sent to at this address, if the
// address is something that one signs in with: Kratos searches the identifiers of
// all credential types, those of an identity that cannot sign in yet included, and
// nothing else. What it finds is checked here once more. One that has the address
// as a user name alone is not found. See [bridge.Identities].
func (c *Client) FindByEmail(ctx context.Context, email string) (bridge.Identity, error) {
	k, ctx, cancel := c.begin(ctx, "find")
	defer cancel()
	if email == "" {
		return bridge.Identity{}, k.invalid("there is no e-mail address to look for") // Kratos would list everybody
	}
	found, err := k.search(ctx, email)
	if err != nil {
		return bridge.Identity{}, err
	}
	return k.choose(found, email)
}

// FindByTraits searches for what the traits hold at the places that the schema
// marks as identifiers. See [bridge.Identities].
func (c *Client) FindByTraits(ctx context.Context, email, schemaID string, traits json.RawMessage) (i bridge.Identity, taken []string, err error) {
	k, ctx, cancel := c.begin(ctx, "find_by_traits")
	defer cancel()
	if email == "" {
		return i, nil, k.invalid("there is no e-mail address to look for") // identities may have none
	}
	layout, err := c.layout(ctx, schemaID)
	if err != nil {
		return i, nil, bridge.ErrIdentityNotFound // it is not known what one signs in with
	}
	var all []bridge.Identity
	for _, identifier := range layout.identifiers(traits) {
		if strings.EqualFold(identifier.value, email) {
			continue // for which FindByEmail searches
		}
		for _, value := range spellings(identifier.value) {
			found, err := k.search(ctx, value)
			if err != nil {
				return i, nil, err
			}
			if !slices.Contains(taken, identifier.path) && slices.ContainsFunc(found, func(i bridge.Identity) bool {
				return i.Email != email && signsInWith(i, value)
			}) {
				taken = append(taken, identifier.path)
			}
			all = append(all, found...)
		}
	}
	i, err = k.choose(all, email)
	return i, taken, err
}

// search gives the identities that have an identifier.
func (k call) search(ctx context.Context, identifier string) ([]bridge.Identity, error) {
	a, err := k.read(ctx, func(ctx context.Context) (*http.Response, error) {
		_, res, err := k.client.api.ListIdentities(ctx).CredentialsIdentifier(identifier).
			IncludeCredential(declassified).PageSize(findLimit).PerPage(findLimit).Execute()
		return res, err
	})
	if err != nil {
		return nil, k.judge(err, nil)
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(a.body, &raw); err != nil || raw == nil {
		return nil, k.fail(bridge.OutcomeUnknown, a.status, textOddBody, nil)
	}
	found := make([]bridge.Identity, len(raw))
	for i := range raw {
		if found[i], err = k.client.parseRecord(ctx, raw[i], configs); err != nil {
			return nil, k.unread(a.status, err)
		}
	}
	return found, nil
}

// choose picks the one identity that email is sent to at the address.
func (k call) choose(found []bridge.Identity, email string) (bridge.Identity, error) {
	reached := map[uuid.UUID]bridge.Identity{}
	for _, i := range found {
		if i.Email == email {
			reached[i.ID] = i
		}
	}
	if len(reached) > 1 {
		return bridge.Identity{}, k.refuse("%d identities have this email address", len(reached))
	}
	for _, i := range reached {
		return i, nil
	}
	return bridge.Identity{}, bridge.ErrIdentityNotFound
}

// signsInWith says whether a text is what the identity signs in with, by password
// or by code. A search finds accounts of providers too.
func signsInWith(i bridge.Identity, text string) bool {
	text = strings.ToLower(strings.TrimSpace(text))
	return slices.Contains(i.Identifiers, text) || slices.Contains(i.Addresses, text)
}
