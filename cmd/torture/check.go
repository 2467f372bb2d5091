package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"invitebridge/kratos/kratostest"
)

type check = func(context.Context, *trial, *subject) error

func all(checks ...check) check {
	return func(ctx context.Context, t *trial, s *subject) error {
		for _, c := range checks {
			if err := c(ctx, t, s); err != nil {
				return err
			}
		}
		return nil
	}
}

func (t *trial) get(ctx context.Context, s *subject) (answer, error) {
	a, err := call(ctx, http.MethodGet, t.admin, "/"+s.id.String(), nil)
	if err == nil {
		err = a.is(http.StatusOK)
	}
	return a, err
}

// hasState checks that the address has exactly one invitation, the one that the
// client knows, in this state.
func hasState(state string) check {
	return func(ctx context.Context, t *trial, s *subject) error {
		list, err := call(ctx, http.MethodGet, t.admin, "/?email="+s.email, nil)
		if err == nil {
			err = list.is(http.StatusOK)
		}
		if err != nil {
			return err
		}
		var found []answer
		if err := json.Unmarshal([]byte(list.text), &found); err != nil || len(found) != 1 {
			return fmt.Errorf("%d invitations of one address, want 1: %s", len(found), list.text)
		}
		if found[0].State != state || found[0].ID != s.id {
			return fmt.Errorf("the invitation is %s, want %s: %s", found[0].State, state, list.text)
		}
		return nil
	}
}

// isPending checks that every token that was handed out is valid, and that the
// account cannot be used.
func isPending(ctx context.Context, t *trial, s *subject) error {
	if err := hasState("pending")(ctx, t, s); err != nil {
		return err
	}
	for _, token := range s.tokens {
		if err := t.preview(ctx, token, http.StatusOK); err != nil {
			return fmt.Errorf("a token that was handed out is not valid: %w", err)
		}
	}
	return cannotSignIn(ctx, t, s)
}

// isAdopted checks that the invitation uses the identity that existed before.
func isAdopted(_ context.Context, _ *trial, s *subject) error {
	if s.identity != s.adopted {
		return fmt.Errorf("the identity is %s, want the existing %s", s.identity, s.adopted)
	}
	return nil
}

// isExtended checks that the expiry was reset.
func isExtended(ctx context.Context, t *trial, s *subject) error {
	a, err := t.get(ctx, s)
	if err == nil && !a.ExpiresAt.After(s.until) {
		err = fmt.Errorf("it still expires at %v", a.ExpiresAt)
	}
	return err
}

// isDeleted checks that the invitation has expired and its identity is deleted.
func isDeleted(ctx context.Context, t *trial, s *subject) error {
	if err := errors.Join(hasState("expired")(ctx, t, s), t.checkTokensGone(ctx, s)); err != nil {
		return err
	}
	return t.checkIdentityGone(ctx, s)
}

func (t *trial) checkIdentityGone(ctx context.Context, s *subject) error {
	var answer *kratostest.StatusError
	if _, err := t.kratos.Read(ctx, s.identity); !errors.As(err, &answer) || answer.Status != http.StatusNotFound {
		return fmt.Errorf("the identity still exists: %v", err) //nolint:errorlint // there may be none
	}
	return nil
}

func cannotSignIn(ctx context.Context, t *trial, s *subject) error {
	raw, err := t.kratos.Read(ctx, s.identity)
	if err != nil {
		return err
	}
	var identity struct{ State string }
	if err := json.Unmarshal(raw, &identity); err != nil || identity.State != "inactive" {
		return fmt.Errorf("the identity is %q, %v", identity.State, err) //nolint:errorlint // there may be none
	}
	return nil
}

// hasEnded checks that the invitation has this state, its tokens are invalid, and
// the account cannot be used.
func hasEnded(state string) check {
	return func(ctx context.Context, t *trial, s *subject) error {
		return errors.Join(hasState(state)(ctx, t, s), t.checkTokensGone(ctx, s), cannotSignIn(ctx, t, s))
	}
}

// preview reads the invitation of a token and checks the status of the response.
func (t *trial) preview(ctx context.Context, token string, want int) error {
	a, err := call(ctx, http.MethodGet, t.public, "/"+token, nil)
	if err == nil {
		err = a.is(want)
	}
	return err
}

func (t *trial) checkTokensGone(ctx context.Context, s *subject) error {
	for _, token := range s.tokens {
		if err := t.preview(ctx, token, http.StatusGone); err != nil {
			return fmt.Errorf("a token that must be invalid: %w", err)
		}
	}
	return nil
}

// isAccepted checks that the invitee's password works and the tokens are invalid.
func isAccepted(ctx context.Context, t *trial, s *subject) error {
	err := t.kratos.SignIn(ctx, s.email, s.password)
	if errors.Is(err, kratostest.ErrWrongPassword) || errors.Is(err, kratostest.ErrInactive) {
		return fmt.Errorf("the accepted password does not work: %w", err)
	}
	return errors.Join(err, hasState("accepted")(ctx, t, s), t.checkTokensGone(ctx, s))
}

// deliveredOnce checks that an event arrived, any number of times, under one id.
func deliveredOnce(event string) check {
	return func(_ context.Context, t *trial, s *subject) error {
		if n := t.env.messageIDs(s.id, event); n != 1 {
			return fmt.Errorf("%s arrived under %d ids, want 1", event, n)
		}
		return nil
	}
}

// emailedAtMost checks that an email arrived, and at most this many since the last
// start. Each kill between the mail server's response and recording it may
// duplicate an email; without a kill there are no duplicates.
func emailedAtMost(most int) check {
	return func(_ context.Context, t *trial, s *subject) error {
		if n := t.env.emailCount(s.email); n < 1 || n > s.emailsBefore+most {
			return fmt.Errorf("%d emails arrived, %d of them before the last start; want at most %d more", n, s.emailsBefore, most)
		}
		return nil
	}
}
