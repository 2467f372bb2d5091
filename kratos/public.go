package kratos

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"time"

	"invitebridge/bridge"
)

// Public is Kratos' public API, to look at, by whoever comes. Every method
// returns within the time-out it was made with. A Public is safe for concurrent
// use.
type Public struct{ client *Client }

// NewPublic makes a Public of the API at baseURL. It connects to nothing yet.
func NewPublic(baseURL string, timeout time.Duration) (*Public, error) {
	c, err := New(Config{AdminURL: baseURL, Timeout: timeout})
	if err != nil {
		return nil, errors.New("kratos: the public URL must be http:// or https:// with a host, and without user, query and fragment")
	}
	c.name = "public API"
	return &Public{client: c}, nil
}

// Close closes connections that are idle.
func (p *Public) Close() { p.client.Close() }

var (
	// ErrAdminExposed says that the admin API answers, to everybody, where the
	// public API should be.
	ErrAdminExposed = errors.New("the admin API answers at this address, and asks nobody who he is")
	// ErrNotPublic says that something answers, and is no public API of Kratos.
	ErrNotPublic = errors.New("what answers at this address is no public API of Kratos")
	// ErrNoSchema says that Kratos knows no identity schema of that id.
	ErrNoSchema = errors.New("there is no identity schema of this id in Kratos")
)

// Try says whether the public API, and no admin API, is there. It asks for the
// session of a caller who has none, and for a list of identities, which must be
// refused. ErrAdminExposed, ErrNotPublic, or a *bridge.IdentityError if there
// was no answer.
func (p *Public) Try(ctx context.Context) error {
	k, ctx, cancel := p.client.begin(ctx, "try")
	defer cancel()
	a, err := k.read(ctx, p.client.at(onePath))
	var refused errRefused
	switch {
	case err == nil && isList(a.body):
		return ErrAdminExposed
	case err != nil && !errors.As(err, &refused):
		return err
	}
	_, err = k.read(ctx, p.client.at("/sessions/whoami"))
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	if _, fromKratos := parseProblem(refused); err == nil || refused.status != http.StatusUnauthorized || !fromKratos {
		return ErrNotPublic
	}
	return nil
}

// Schema reads an identity schema. ErrNoSchema, ErrSchemaInvalid, or a
// *bridge.IdentityError, whose Status is not zero if something answered, such
// as a proxy that does not let everybody see schemas.
func (p *Public) Schema(ctx context.Context, id string) (*Schema, error) {
	k, ctx, cancel := p.client.begin(ctx, "schema")
	defer cancel()
	a, err := k.read(ctx, p.client.at(schemaPath(id)))
	var refused errRefused
	if errors.As(err, &refused) && refused.status == http.StatusNotFound {
		if _, fromKratos := parseProblem(refused); fromKratos {
			return nil, ErrNoSchema
		}
	}
	if err != nil {
		return nil, k.judge(err, nil)
	}
	return parseSchema(a.body)
}

// plainID is what is the same in a path as outside of it.
var plainID = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// schemaPath is where a schema is read. Kratos takes an id in base64 too, which
// v1.3.1 needs for one with a slash.
func schemaPath(id string) string {
	if !plainID.MatchString(id) {
		id = base64.RawURLEncoding.EncodeToString([]byte(id))
	}
	return "/schemas/" + id
}

// SchemaIDs lists the identity schemas that Kratos has. It fails as a whole if
// Kratos cannot read one of them: a *bridge.IdentityError.
func (p *Public) SchemaIDs(ctx context.Context) ([]string, error) {
	k, ctx, cancel := p.client.begin(ctx, "schemas")
	defer cancel()
	a, err := k.read(ctx, p.client.at("/schemas?page_size=500&per_page=500"))
	if err != nil {
		return nil, k.judge(err, nil)
	}
	var list []struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(a.body, &list) != nil || len(list) == 0 {
		return nil, k.fail(bridge.OutcomeUnknown, a.status, textOddBody, nil)
	}
	ids := make([]string, len(list))
	for i, one := range list {
		ids[i] = one.ID
	}
	return ids, nil
}
