package main

import (
	"context"
	"errors"
	"fmt"

	"invitebridge/bridge"
	"invitebridge/kratos"
)

// lookAtSchema refuses to start with an identity schema that Kratos does not
// have, and warns of one that nobody could be invited with. Where Kratos does not
// answer, the bridge starts all the same.
func (s *server) lookAtSchema(ctx context.Context, identities *kratos.Client) error {
	id := s.config.Kratos.SchemaID
	passwords, unread := identities.PasswordTraits(ctx, id)
	if why, none := missing(unread); none {
		return usageError{fmt.Errorf("kratos.schema_id: %s", why)}
	}
	_, err := identities.EmailTrait(ctx, id)
	switch why, none := missing(err); {
	case none:
		s.log.Warn("invitations with kratos.schema_id will be refused", "cause", why)
	case err != nil:
		s.log.Warn("nobody can be invited until the identity schema was read from kratos.public_url, or kratos.email_trait is set", "cause", err.Error())
	case unread == nil && len(passwords) == 0:
		s.log.Warn("invitations with kratos.schema_id will be refused", "cause", "the schema has no password identifier")
	}
	return nil
}

// missing says whether Kratos' own answer shows that something is missing, and
// what.
func missing(err error) (what string, ok bool) {
	var e *bridge.IdentityError
	if errors.As(err, &e) && e.Outcome == bridge.OutcomeInvalid {
		return e.Reason, true
	}
	return "", false
}
