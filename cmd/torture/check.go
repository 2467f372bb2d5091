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
	a, err := call(ctx, http.MethodGet, t.process.admin, "/"+s.id.String(), nil)
	if err == nil {
		err = a.is(http.StatusOK)
	}
	return a, err
}

// hasState: there is one invitation of the address, in this state, and whatever
// was answered with success is still so.
func hasState(state string) check {
	return func(ctx context.Context, t *trial, s *subject) error {
		list, err := call(ctx, http.MethodGet, t.process.admin, "/?email="+s.email, nil)
		if err != nil {
			return err
		}
		var found []answer
		if err := json.Unmarshal([]byte(list.text), &found); err != nil || len(found) != 1 {
			return fmt.Errorf("%d invitations of one address: %s", len(found), list.text)
		}
		if found[0].State != state || found[0].ID != s.id {
			return fmt.Errorf("it is %s and not %s, %s", found[0].State, state, list.text)
		}
		return nil
	}
}

// isPending: every token that was answered opens it, and nobody can sign in.
func isPending(ctx context.Context, t *trial, s *subject) error {
	if err := hasState("pending")(ctx, t, s); err != nil {
		return err
	}
	for _, token := range s.tokens {
		if err := t.look(ctx, token, http.StatusOK); err != nil {
			return fmt.Errorf("a token that was answered opens nothing: %w", err)
		}
	}
	return nobodySignsIn(ctx, t, s)
}

// isAdopted: it is the identity that was there before, and no other.
func isAdopted(_ context.Context, _ *trial, s *subject) error {
	if s.identity != s.adopted {
		return fmt.Errorf("the identity is %s, and %s was there", s.identity, s.adopted)
	}
	return nil
}

// isGranted: its time runs anew.
func isGranted(ctx context.Context, t *trial, s *subject) error {
	a, err := t.get(ctx, s)
	if err == nil && !a.ExpiresAt.After(s.until) {
		err = fmt.Errorf("it expires at %v as before", a.ExpiresAt)
	}
	return err
}

// isDeleted: it has expired, and its identity is gone.
func isDeleted(ctx context.Context, t *trial, s *subject) error {
	if err := errors.Join(hasState("expired")(ctx, t, s), t.closed(ctx, s)); err != nil {
		return err
	}
	var answer *kratostest.AnswerError
	if _, err := t.kratos.Read(ctx, s.identity); !errors.As(err, &answer) || answer.Status != http.StatusNotFound {
		return fmt.Errorf("the identity is there still, %v", err) //nolint:errorlint // there may be none
	}
	return nil
}

func nobodySignsIn(ctx context.Context, t *trial, s *subject) error {
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

// hasEnded: it has this state, no token opens it, and nobody can sign in.
func hasEnded(state string) check {
	return func(ctx context.Context, t *trial, s *subject) error {
		return errors.Join(hasState(state)(ctx, t, s), t.closed(ctx, s), nobodySignsIn(ctx, t, s))
	}
}

// look opens a link and holds the answer against what it should be.
func (t *trial) look(ctx context.Context, token string, want int) error {
	a, err := call(ctx, http.MethodGet, t.process.public, "/"+token, nil)
	if err == nil {
		err = a.is(want)
	}
	return err
}

func (t *trial) closed(ctx context.Context, s *subject) error {
	for _, token := range s.tokens {
		if err := t.look(ctx, token, http.StatusGone); err != nil {
			return fmt.Errorf("a token that should be dead: %w", err)
		}
	}
	return nil
}

// isAccepted: the invitee's password logs in, and no token opens it any more.
func isAccepted(ctx context.Context, t *trial, s *subject) error {
	err := t.kratos.SignIn(ctx, s.email, s.password)
	if errors.Is(err, kratostest.ErrWrongPassword) || errors.Is(err, kratostest.ErrInactive) {
		return fmt.Errorf("the password that was accepted does not log in: %w", err)
	}
	return errors.Join(err, hasState("accepted")(ctx, t, s), t.closed(ctx, s))
}

// toldOnce: an event arrived, under one id however often.
func toldOnce(event string) check {
	return func(_ context.Context, t *trial, s *subject) error {
		if n := t.world.ids(s.id, event); n != 1 {
			return fmt.Errorf("%s arrived under %d ids", event, n)
		}
		return nil
	}
}

// mailed: a letter came, and since the last start no more than so many. One may
// come twice for each kill between the mail server's word and its note; where
// nothing is killed, none does.
func mailed(most int) check {
	return func(_ context.Context, t *trial, s *subject) error {
		if n := t.world.mails(s.email); n < 1 || n > s.letters+most {
			return fmt.Errorf("%d letters arrived, %d of them before the last start, and there should be %d more at most", n, s.letters, most)
		}
		return nil
	}
}
