package kratos

import (
	"context"
	"errors"
	"strings"

	"invitebridge/bridge"
)

// EmailTrait returns the path of the email address in identities of a schema:
// from [Config.EmailTraits], or else from the schema. See [bridge.Identities].
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

// PasswordTraits returns the paths of the traits used to sign in by password in
// identities of a schema. See [bridge.Identities].
func (c *Client) PasswordTraits(ctx context.Context, schemaID string) ([]string, error) {
	l, err := c.layout(ctx, schemaID)
	if err == nil && !l.Complete && len(l.Password) == 0 {
		err = c.schemaCall().fail(bridge.OutcomeNotApplied, 0, "part of schema "+schemaID+" is in another document, which the bridge does not read", nil)
	}
	return l.Password, err
}

// emailAt is EmailTrait, but returns an empty path if the schema does not
// specify one.
func (c *Client) emailAt(ctx context.Context, schemaID string) (string, error) {
	for _, id := range []string{schemaID, ""} {
		if path, ok := c.config.EmailTraits[id]; ok {
			return path, nil
		}
	}
	l, err := c.layout(ctx, schemaID)
	return l.Email, err
}

// layout reads a schema.
//
// Errors: OutcomeInvalid if Kratos has no schema with that id;
// OutcomeNotApplied if the schema could not be read.
func (c *Client) layout(ctx context.Context, schemaID string) (Layout, error) {
	k := c.schemaCall()
	if c.schemas == nil {
		return Layout{}, k.fail(bridge.OutcomeNotApplied, 0, "identity schemas cannot be read: the URL of the public API is not configured", nil)
	}
	l, err := c.schemas.Layout(ctx, schemaID)
	switch {
	case errors.Is(err, ErrSchemaNotFound):
		return l, k.invalid("Kratos has no identity schema %s%s", schemaID, c.listOfSchemas(ctx))
	case err != nil:
		return l, k.fail(bridge.OutcomeNotApplied, StatusOf(err), "identity schema "+schemaID+" could not be read from the public API; make it readable or set kratos.email_trait", err)
	}
	return l, nil
}

// invalidateSchemas rereads a schema after Kratos rejected an identity of it.
// It returns an error if Kratos does not have the schema.
func (c *Client) invalidateSchemas(ctx context.Context, schemaID string) error {
	if c.schemas == nil {
		return nil
	}
	c.schemas.Invalidate(schemaID)
	var e *bridge.IdentityError
	if _, err := c.layout(ctx, schemaID); errors.As(err, &e) && e.Outcome == bridge.OutcomeInvalid {
		return err
	}
	return nil
}

// listOfSchemas returns the ids of Kratos' schemas, as the end of a sentence.
func (c *Client) listOfSchemas(ctx context.Context) string {
	ids, err := c.public.SchemaIDs(ctx)
	if err != nil {
		return ""
	}
	return "; it has " + strings.Join(ids, ", ")
}

// OpSchema is the Op of a *bridge.IdentityError about an identity schema that
// could not be read or cannot be used.
const OpSchema = "schema"

func (c *Client) schemaCall() call {
	return call{client: c, op: OpSchema, secrets: []string{c.config.AdminToken}}
}

// schemaReadError returns the error of a read whose response could not be
// understood. If the cause is a schema that could not be read, it returns that
// error.
func (k call) schemaReadError(status int, err error) error {
	var e *bridge.IdentityError
	if errors.As(err, &e) && e.Outcome == bridge.OutcomeNotApplied {
		return err
	}
	return k.fail(bridge.OutcomeUnknown, status, textMalformedBody, err)
}

// StatusOf returns the HTTP status of the response in an error of this package;
// 0: there was no response.
func StatusOf(err error) int {
	var e *bridge.IdentityError
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}
