package bridge_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// account is the expected state of an account and its invitation at the end of
// a test.
type account struct {
	id     uuid.UUID
	email  string
	state  string // active or inactive; empty: the identity was deleted
	holder string // the only password that signs in; empty: none
	// strangers are passwords that must not sign in: those sent in failed
	// acceptances, and those of former holders.
	strangers []string
	// former is a holder who had the account before; ways are further ways in.
	former *holder
	ways   map[string]way
	// token, and the error that it must return; nil: it is still valid.
	token string
	ended *bridge.Error
}

// checkAccount checks an account by trying everything. It fails if the account
// is active without a password of its holder; if it is inactive and the token
// is refused for no reason; if a password other than the holder's opens it; if
// a session, code, second factor or provider of a former holder works; or if it
// was used and is gone.
func (l *liveBridge) checkAccount(t *testing.T, a account) {
	t.Helper()
	ctx := t.Context()
	shown, err := l.Show(ctx, a.id)
	if a.state == "" {
		var status *kratostest.StatusError
		if !errors.As(err, &status) || status.Status != 404 {
			t.Errorf("the identity still exists: %s, %v", shown.State, err)
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
	l.checkLockedOut(t, a, session)
	if a.token != "" {
		if _, err := l.Service.Preview(ctx, a.token); a.ended == nil && err != nil || a.ended != nil && !errors.Is(err, a.ended) {
			t.Errorf("the token: %v, want %v", err, a.ended)
		}
	}
}

// checkLockedOut tries all that former holders have. session is that of the new
// holder.
func (l *liveBridge) checkLockedOut(t *testing.T, a account, session string) {
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
		if errors.Is(err, errSignedInByLink) {
			t.Errorf("someone else signed in by %s", name)
		}
		if err != nil || token == "" {
			continue
		}
		// A user of a provider who is not linked signs up instead.
		in, err := l.Whoami(ctx, token)
		if err == nil && in.Identity.ID == a.id || errors.Is(err, kratostest.ErrSecondFactor) {
			t.Errorf("someone else signed in by %s", name)
		} else if err != nil && !errors.Is(err, kratostest.ErrNoSession) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
