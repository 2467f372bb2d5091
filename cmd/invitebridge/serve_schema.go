package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"invitebridge/bridge"
	"invitebridge/config"
	"invitebridge/kratos"
)

// checkSchema returns a usageError if Kratos does not have the configured
// identity schema, and logs a warning if the schema cannot be used for
// invitations. If Kratos does not respond, the bridge starts anyway.
func (s *server) checkSchema(ctx context.Context, identities *kratos.Client) error {
	id := s.config.Kratos.SchemaID
	passwords, unread := identities.PasswordTraits(ctx, id)
	if why, none := missing(unread); none {
		return usageError{fmt.Errorf("kratos.schema_id: %s", why)}
	}
	_, err := identities.EmailTrait(ctx, id)
	switch why, none := missing(err); {
	case none:
		s.log.Warn("invitations with kratos.schema_id will be rejected", "cause", why)
	case err != nil:
		s.log.Warn("invitations are rejected until the identity schema can be read from kratos.public_url, or kratos.email_trait is set", "cause", err.Error())
	case unread == nil && len(passwords) == 0 && slices.Contains(s.config.Invitation.AcceptWith, config.AcceptPassword):
		s.log.Warn("invitations with kratos.schema_id will be rejected", "cause", "the schema has no password identifier")
	}
	return nil
}

// missing reports whether err is Kratos' own statement that something is missing,
// and what.
func missing(err error) (what string, ok bool) {
	var e *bridge.IdentityError
	if errors.As(err, &e) && e.Outcome == bridge.OutcomeInvalid {
		return e.Reason, true
	}
	return "", false
}
