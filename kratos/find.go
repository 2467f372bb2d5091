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

// findLimit is the largest number of identities that a search may return.
// Identifiers are unique per credential type, so there are only a few.
const findLimit = 16

// FindByEmail returns the identity that receives email at this address, if the
// address is also used to sign in: Kratos searches the identifiers of all
// credential types, including those of identities that cannot sign in yet, and
// nothing else. The results are checked again here. An identity that has the
// address only as a user name is not found. See [bridge.Identities].
func (c *Client) FindByEmail(ctx context.Context, email string) (bridge.Identity, error) {
	k, ctx, cancel := c.begin(ctx, "find")
	defer cancel()
	if email == "" {
		return bridge.Identity{}, k.invalid("no email address to search for") // Kratos would list all identities
	}
	found, err := k.search(ctx, email)
	if err != nil {
		return bridge.Identity{}, err
	}
	return k.choose(found, email)
}

// FindByTraits searches for the values of the traits that the schema marks as
// identifiers. See [bridge.Identities].
func (c *Client) FindByTraits(ctx context.Context, email, schemaID string, traits json.RawMessage) (i bridge.Identity, taken []string, err error) {
	k, ctx, cancel := c.begin(ctx, "find_by_traits")
	defer cancel()
	if email == "" {
		return i, nil, k.invalid("no email address to search for") // identities without an address would match
	}
	layout, err := c.layout(ctx, schemaID)
	if err != nil {
		return i, nil, bridge.ErrIdentityNotFound // the identifiers are unknown
	}
	var all []bridge.Identity
	for _, identifier := range layout.identifiers(traits) {
		if strings.EqualFold(identifier.value, email) {
			continue // FindByEmail searches for it
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

// search returns the identities that have an identifier.
func (k call) search(ctx context.Context, identifier string) ([]bridge.Identity, error) {
	a, err := k.read(ctx, func(ctx context.Context) (*http.Response, error) {
		_, res, err := k.client.api.ListIdentities(ctx).CredentialsIdentifier(identifier).
			IncludeCredential(declassified).PageSize(findLimit).PerPage(findLimit).Execute()
		return res, err
	})
	if err != nil {
		return nil, k.classify(err, nil)
	}
	var raw []json.RawMessage
	if err := parse(a.body, &raw); err != nil || raw == nil {
		return nil, k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, nil)
	}
	found := make([]bridge.Identity, len(raw))
	for i := range raw {
		if found[i], err = k.client.parseRecord(ctx, raw[i], credentialConfigs); err != nil {
			return nil, k.schemaReadError(a.status, err)
		}
	}
	return found, nil
}

// choose returns the one identity that receives email at the address.
func (k call) choose(found []bridge.Identity, email string) (bridge.Identity, error) {
	reached := map[uuid.UUID]bridge.Identity{}
	for _, i := range found {
		if i.Email == email {
			reached[i.ID] = i
		}
	}
	if len(reached) > 1 {
		return bridge.Identity{}, k.rejected("%d identities have this email address", len(reached))
	}
	for _, i := range reached {
		return i, nil
	}
	return bridge.Identity{}, bridge.ErrIdentityNotFound
}

// signsInWith reports whether the identity uses text to sign in by password or
// by code. A search also finds accounts of providers.
func signsInWith(i bridge.Identity, text string) bool {
	text = strings.ToLower(strings.TrimSpace(text))
	return slices.Contains(i.Identifiers, text) || slices.Contains(i.Addresses, text)
}
