package kratos

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"regexp"
	"time"

	"invitebridge/bridge"
)

// PublicClient is a read-only client of Kratos' public API, which needs no
// authentication. Every method returns within the timeout given to
// NewPublicClient. A PublicClient is safe for concurrent use.
type PublicClient struct{ client *Client }

// NewPublicClient returns a client of the API at baseURL without connecting.
func NewPublicClient(baseURL string, timeout time.Duration) (*PublicClient, error) {
	c, err := New(Config{AdminURL: baseURL, Timeout: timeout})
	if err != nil {
		return nil, errors.New("kratos: the public URL must be http:// or https:// with a host, and must have no user, query or fragment")
	}
	c.name = "public API"
	return &PublicClient{client: c}, nil
}

// Close closes idle connections.
func (p *PublicClient) Close() { p.client.Close() }

var (
	// ErrAdminExposed reports that the admin API responds, without
	// authentication, at the address of the public API.
	ErrAdminExposed = errors.New("the admin API is exposed at this address, without authentication")
	// ErrNotPublicAPI reports that another server responds at the address.
	ErrNotPublicAPI = errors.New("the server at this address is not a public API of Kratos")
	// ErrSchemaNotFound reports that Kratos has no identity schema with that
	// id.
	ErrSchemaNotFound = errors.New("identity schema not found in Kratos")
)

// Probe checks that the address is a public API and not an admin API. It
// requests the session of an anonymous caller, and a list of identities, which
// must be rejected.
//
// Errors: ErrAdminExposed, ErrNotPublicAPI; a *bridge.IdentityError if there
// was no response.
func (p *PublicClient) Probe(ctx context.Context) error {
	k, ctx, cancel := p.client.begin(ctx, "try")
	defer cancel()
	a, err := k.read(ctx, p.client.getRequest(listOnePath))
	var refused statusError
	switch {
	case err == nil && isList(a.body):
		return ErrAdminExposed
	case err != nil && !errors.As(err, &refused):
		return err
	}
	_, err = k.read(ctx, p.client.getRequest("/sessions/whoami"))
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	if _, fromKratos := parseProblem(refused); err == nil || refused.status != http.StatusUnauthorized || !fromKratos {
		return ErrNotPublicAPI
	}
	return nil
}

// Schema reads an identity schema.
//
// Errors: ErrSchemaNotFound, ErrSchemaInvalid; a *bridge.IdentityError
// otherwise, whose Status is not zero if a server responded, such as a proxy
// that restricts access to schemas.
func (p *PublicClient) Schema(ctx context.Context, id string) (*Schema, error) {
	k, ctx, cancel := p.client.begin(ctx, "schema")
	defer cancel()
	a, err := k.read(ctx, p.client.getRequest(schemaPath(id)))
	var refused statusError
	if errors.As(err, &refused) && refused.status == http.StatusNotFound {
		if _, fromKratos := parseProblem(refused); fromKratos {
			return nil, ErrSchemaNotFound
		}
	}
	if err != nil {
		return nil, k.classify(err, nil)
	}
	return parseSchema(a.body)
}

// plainID matches ids that need no escaping in a path.
var plainID = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// schemaPath returns the path of a schema. Kratos also accepts the id in
// base64, which v1.3.1 requires for an id with a slash.
func schemaPath(id string) string {
	if !plainID.MatchString(id) {
		id = base64.RawURLEncoding.EncodeToString([]byte(id))
	}
	return "/schemas/" + id
}

// SchemaIDs returns the ids of all identity schemas in Kratos. If Kratos cannot
// read one of them, the whole call fails.
//
// Errors: a *bridge.IdentityError.
func (p *PublicClient) SchemaIDs(ctx context.Context) ([]string, error) {
	k, ctx, cancel := p.client.begin(ctx, "schemas")
	defer cancel()
	a, err := k.read(ctx, p.client.getRequest("/schemas?page_size=500&per_page=500"))
	if err != nil {
		return nil, k.classify(err, nil)
	}
	var list []struct {
		ID string `json:"id"`
	}
	if parse(a.body, &list) != nil || len(list) == 0 {
		return nil, k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, nil)
	}
	ids := make([]string, len(list))
	for i, one := range list {
		ids[i] = one.ID
	}
	return ids, nil
}
