package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"invitebridge/bridge"
)

// acceptByKratos accepts without a password, and keeps the recovery code.
func acceptByKratos(ctx context.Context, t *trial, s *subject) error {
	s.attempts++
	a, err := call(ctx, http.MethodPost, t.public, "/"+s.tokens[0], map[string]any{"method": "kratos"})
	if err != nil {
		return err
	}
	if a.Error.ID == "invitation_accepted" && s.attempts > 1 {
		return nil // by an earlier attempt whose response was lost
	}
	for _, step := range a.Continue {
		s.recovery = append(s.recovery, bridge.RecoveryFlow{ID: step.Flow.ID, Code: bridge.NewCode(step.Code)})
	}
	return a.is(http.StatusOK)
}

// isActivated checks that the account is active without a password, and that there
// was at most one code, which signs in as the invitee if it was answered.
func isActivated(ctx context.Context, t *trial, s *subject) error {
	shown, err := t.kratos.Show(ctx, s.identity)
	if err == nil && shown.State != "active" {
		err = fmt.Errorf("the identity of an accepted invitation is %s", shown.State)
	}
	if len(s.recovery) > 1 {
		err = errors.Join(err, fmt.Errorf("%d codes were answered", len(s.recovery)))
	}
	for _, flow := range s.recovery {
		id, used := t.kratos.UseRecoveryCode(ctx, flow)
		if used == nil && id != s.identity {
			used = fmt.Errorf("the code signs in as %s", id)
		}
		if used != nil && !s.recovered {
			err = errors.Join(err, used)
		}
		s.recovered = true // a code works once
	}
	return errors.Join(err, hasState("accepted")(ctx, t, s), t.checkTokensGone(ctx, s))
}
