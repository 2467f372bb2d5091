package main

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/config"
	"invitebridge/kratos"
)

// checkRecovery logs a warning if invitees who accept without a password could not
// continue at Kratos as they should. It asks Kratos for a recovery code of an
// identity that does not exist, which shows what Kratos permits and changes nothing
// that anyone notices.
func (s *server) checkRecovery(ctx context.Context, identities *kratos.Client) {
	cfg := s.config
	if !slices.Contains(cfg.Invitation.AcceptWith, config.AcceptKratos) {
		return
	}
	if cfg.RecoveryURL() == "" {
		s.log.Warn("invitees who accept with kratos have to type a code: selfservice.flows.settings.ui_url is not set, or has an IPv6 address")
	}
	_, err := identities.StartRecovery(ctx, bridge.RecoveryParams{IdentityID: uuid.New(), ReturnTo: cfg.Invitation.ReturnTo})
	if why, advice := recoveryFault(err); why != "" {
		s.log.Warn("invitees who accept with kratos cannot continue as they should: "+advice, "cause", why)
	}
}

// recoveryFault returns what is wrong with Kratos' configuration if it refused to
// start a recovery flow for an identity that does not exist, and what to change.
func recoveryFault(err error) (why, advice string) {
	var e *bridge.IdentityError
	switch {
	case err == nil, errors.Is(err, bridge.ErrIdentityNotFound), !errors.As(err, &e):
		return "", ""
	case e.Outcome == bridge.OutcomeInvalid:
		return e.Reason, "add invitation.return_to to selfservice.allowed_return_urls of Kratos"
	case e.Outcome == bridge.OutcomeRejected:
		return e.Reason, "enable selfservice.methods.code of Kratos"
	}
	return e.Reason, "check kratos.admin_url"
}
