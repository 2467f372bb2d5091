package bridge_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// account is what is to be true of an account and its invitation, after all that
// was done to them.
type account struct {
	id     uuid.UUID
	email  string
	state  string // active or inactive; empty: the identity was deleted
	holder string // the only password that signs in; empty: there is none
	// strangers are passwords that must open nothing: those of people with a
	// token who were not accepted, and of former holders.
	strangers []string
	// former is somebody who held the account before, with ways that they have
	// beside their own.
	former *holder
	ways   map[string]way
	// token and what it must be answered; nil: it can be used still.
	token string
	ended *bridge.Error
}

// notBroken looks at an account from all sides. It is broken if it is active
// without a password of its holder; if it is inactive, and the token is refused
// for no reason; if a password opens it that is not its holder's; if a session,
// code, second factor or provider of somebody who held it before works; or if it
// was used and is gone.
func (l *live) notBroken(t *testing.T, a account) {
	t.Helper()
	ctx := t.Context()
	shown, err := l.Show(ctx, a.id)
	if a.state == "" {
		var answer *kratostest.AnswerError
		if !errors.As(err, &answer) || answer.Status != 404 {
			t.Errorf("the identity is there still: %s, %v", shown.State, err)
		}
		return
	}
	if err != nil || shown.State != a.state {
		t.Errorf("the identity is %q, %v; want %s", shown.State, err, a.state)
	}
	session := ""
	if a.holder != "" {
		if session, err = l.Login(ctx, a.email, a.holder); err != nil {
			t.Errorf("its holder cannot sign in: %v", err)
		} else if in, err := l.Whoami(ctx, session); err != nil || in.Identity.ID != a.id {
			t.Errorf("its holder signs in to %s, %v", in.Identity.ID, err)
		}
	}
	for _, password := range a.strangers {
		if _, err := l.Login(ctx, a.email, password); !errors.Is(err, kratostest.ErrWrongPassword) {
			t.Errorf("a stranger's password: %v", err)
		}
	}
	l.lockedOut(t, a, session)
	if a.token != "" {
		if _, err := l.Service.Look(ctx, a.token); a.ended == nil && err != nil || a.ended != nil && !errors.Is(err, a.ended) {
			t.Errorf("the token: %v, want %v", err, a.ended)
		}
	}
}

// lockedOut has former holders try all that they have; session is that of the
// new one.
func (l *live) lockedOut(t *testing.T, a account, session string) {
	t.Helper()
	ctx := t.Context()
	ways := make(map[string]way)
	for name, way := range a.ways {
		ways[name] = way
	}
	if h := a.former; h != nil {
		for name, way := range l.ways(*h) {
			ways[name] = way
		}
		if session != "" {
			if err := l.StepUpTOTP(ctx, session, h.totp()); err == nil {
				t.Error("the former holder's authenticator app works")
			}
			if err := l.StepUpLookup(ctx, session, h.codes[0]); err == nil {
				t.Error("the former holder's backup codes work")
			}
		}
	}
	for name, way := range ways {
		token, err := way(ctx)
		if errors.Is(err, errInByLink) {
			t.Errorf("somebody else is in by %s", name)
		}
		if err != nil || token == "" {
			continue
		}
		// Whom a provider vouches for, and nobody knows, signs up.
		in, err := l.Whoami(ctx, token)
		if err == nil && in.Identity.ID == a.id || errors.Is(err, kratostest.ErrSecondFactor) {
			t.Errorf("somebody else is in by %s", name)
		} else if err != nil && !errors.Is(err, kratostest.ErrNoSession) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
