package kratos

import (
	"context"
	"errors"
	"strings"

	"invitebridge/bridge"
)

// EmailTrait gives where identities of a schema have their e-mail address: as
// [Config.EmailTraits] says, or else the schema. See [bridge.Identities].
func (c *Client) EmailTrait(ctx context.Context, schemaID string) (string, error) {
	path, err := c.emailAt(ctx, schemaID)
	if err != nil || path != "" {
		return path, err
	}
	l, err := c.layout(ctx, schemaID)
	if err != nil {
		return "", err
	}
	return "", c.schemaCall().invalid("schema %s cannot be used: %s", schemaID, l.Problem)
}

// PasswordTraits gives what one signs in with by password, as identities of a
// schema have it. See [bridge.Identities].
func (c *Client) PasswordTraits(ctx context.Context, schemaID string) ([]string, error) {
	l, err := c.layout(ctx, schemaID)
	if err == nil && !l.Whole && len(l.Password) == 0 {
		err = c.schemaCall().fail(bridge.OutcomeNotDone, 0, "a part of the schema "+schemaID+" is in another document, which was not read", nil)
	}
	return l.Password, err
}

// emailAt is EmailTrait, but gives an empty path where the schema does not say.
func (c *Client) emailAt(ctx context.Context, schemaID string) (string, error) {
	for _, id := range []string{schemaID, ""} {
		if path, ok := c.config.EmailTraits[id]; ok {
			return path, nil
		}
	}
	l, err := c.layout(ctx, schemaID)
	return l.Email, err
}

// layout reads a schema. OutcomeInvalid: Kratos has none of that id;
// OutcomeNotDone: it could not be read.
func (c *Client) layout(ctx context.Context, schemaID string) (Layout, error) {
	k := c.schemaCall()
	if c.schemas == nil {
		return Layout{}, k.fail(bridge.OutcomeNotDone, 0, "the identity schemas are not read, for it is not known where the public API is", nil)
	}
	l, err := c.schemas.Layout(ctx, schemaID)
	switch {
	case errors.Is(err, ErrNoSchema):
		return l, k.invalid("Kratos has no identity schema %s%s", schemaID, c.namesSchemas(ctx))
	case err != nil:
		return l, k.fail(bridge.OutcomeNotDone, StatusOf(err), "the identity schema "+schemaID+" could not be read at the public API; kratos.email_trait can say what is needed of it", err)
	}
	return l, nil
}

// doubt looks at a schema anew, for Kratos refused an identity of it; it gives
// an error if Kratos does not have it.
func (c *Client) doubt(ctx context.Context, schemaID string) error {
	if c.schemas == nil {
		return nil
	}
	c.schemas.Doubt(schemaID)
	var e *bridge.IdentityError
	if _, err := c.layout(ctx, schemaID); errors.As(err, &e) && e.Outcome == bridge.OutcomeInvalid {
		return err
	}
	return nil
}

// namesSchemas goes on after the name of one that is missing.
func (c *Client) namesSchemas(ctx context.Context) string {
	ids, err := c.public.SchemaIDs(ctx)
	if err != nil {
		return ""
	}
	return "; it has " + strings.Join(ids, ", ")
}

// OpSchema is the Op of a *bridge.IdentityError that says that an identity schema
// could not be read, or cannot be used.
const OpSchema = "schema"

func (c *Client) schemaCall() call {
	return call{client: c, op: OpSchema, secrets: []string{c.config.AdminToken}}
}

// unread is the error of a read whose answer could not be understood; where that
// is for want of the schema, it says so.
func (k call) unread(status int, err error) error {
	var e *bridge.IdentityError
	if errors.As(err, &e) && e.Outcome == bridge.OutcomeNotDone {
		return err
	}
	return k.fail(bridge.OutcomeUnknown, status, textOddBody, err)
}

// StatusOf gives the status of Kratos' answer, of an error of this package; 0: there
// was none.
func StatusOf(err error) int {
	var e *bridge.IdentityError
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}
