package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

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
		if a, err := call(ctx, http.MethodGet, t.process.public, "/"+token, nil); err != nil || a.status != http.StatusOK {
			return fmt.Errorf("a token that was answered opens nothing: %w", errors.Join(err, a.is(http.StatusOK)))
		}
	}
	return nobodySignsIn(ctx, t, s)
}

func nobodySignsIn(ctx context.Context, t *trial, s *subject) error {
	raw, err := t.kratos.Read(ctx, s.identity)
	if err != nil {
		return err
	}
	var identity struct{ State string }
	if err := json.Unmarshal(raw, &identity); err != nil || identity.State != "inactive" {
		return fmt.Errorf("the identity is %s, %w", identity.State, err)
	}
	return nil
}

// hasEnded: it has this state, no token opens it, and nobody can sign in.
func hasEnded(state string) check {
	return func(ctx context.Context, t *trial, s *subject) error {
		return errors.Join(hasState(state)(ctx, t, s), t.closed(ctx, s), nobodySignsIn(ctx, t, s))
	}
}

func (t *trial) closed(ctx context.Context, s *subject) error {
	for _, token := range s.tokens {
		if a, err := call(ctx, http.MethodGet, t.process.public, "/"+token, nil); err != nil || a.status != http.StatusGone {
			return fmt.Errorf("a dead token is answered %d, %w", a.status, err)
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

// mailed: letters may come twice, if the process was killed between the mail
// server's word and its note, and are never lost.
func mailed(least, most int) check {
	return func(_ context.Context, t *trial, s *subject) error {
		if n := t.world.mails(s.email); n < least || n > most {
			return fmt.Errorf("%d letters arrived, and there should be %d to %d", n, least, most)
		}
		return nil
	}
}

// silent searches what the bridge keeps and says for what it must not.
func (t *trial) silent() error {
	for name, must := range map[string]string{t.process.store(): "invitation_token_created", t.process.log.Name(): `"listening"`} {
		text, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(text), must) {
			return fmt.Errorf("%s does not hold what it should, %w", name, err)
		}
		for _, s := range t.subjects[:min(len(t.subjects), 500)] { // each is looked for in all of it
			for _, secret := range append(s.tokens, s.password) {
				if strings.Contains(string(text), secret) {
					return fmt.Errorf("%s holds a token or a password", name)
				}
			}
		}
	}
	return nil
}
