package kratostest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

// An account with everything set up is deactivated, cleaned, and activated with
// a new password. Afterwards only a code or link that was emailed or created
// before lets the former holder in.
func factCleaned(t *testing.T, _ environment, s *kratostest.Server) {
	ctx := t.Context()
	a := newAccount(t, s)
	former := a.ways(t, s)
	check(t, s.SetState(ctx, a.id, "inactive"))
	check(t, s.Replace(ctx, a.id, memberWith("inactive", a.email, strings.Repeat("x_-4", 16))))
	check(t, s.DeleteSessions(ctx, a.id))
	check(t, s.DeleteCredential(ctx, a.id, "totp", ""))
	check(t, s.DeleteCredential(ctx, a.id, "lookup_secret", ""))
	check(t, s.DeleteCredential(ctx, a.id, "webauthn", ""))
	check(t, s.DeleteCredential(ctx, a.id, "oidc", "test:"+a.at.Subject))
	shown := must[kratostest.Shown](t)(s.Show(ctx, a.id, "oidc", "webauthn"))
	if diff := cmp.Diff([]string{"code", "oidc", "password", "webauthn"}, kinds(shown)); diff != "" || len(shown.Credentials["oidc"].Identifiers) > 0 {
		t.Error("cleaned: ", diff, shown.Credentials["oidc"].Identifiers)
	}
	if got := members(t, shown.Credentials["webauthn"].Config); !cmp.Equal(got, []string{"user_handle"}) {
		t.Errorf("cleaned, webauthn: %v", got)
	}
	check(t, s.Replace(ctx, a.id, memberWith("active", a.email, "a new battery staple")))

	owner := must[string](t)(s.Login(ctx, a.email, "a new battery staple"))
	_ = must[kratostest.Session](t)(s.Whoami(ctx, owner)) // no second factor is required
	for way, stillOpen := range map[string]bool{
		"password": false, "social": false, "old session": false,
		"login code": true, "recovery code": true, "admin code": true, "recovery link": true,
	} {
		token, err := former[way](ctx)
		if err == nil && token != a.token { // a person unknown to Kratos has signed up again
			session := must[kratostest.Session](t)(s.Whoami(ctx, token))
			if session.Identity.ID != a.id {
				err = errors.New("signed in to another account")
			}
		}
		if open := err == nil; open != stillOpen {
			t.Errorf("%s lets the former holder in: %v (%v)", way, open, err)
		}
	}
}

// A second address can be used to sign in by code and to recover the account.
func factSecondAddress(t *testing.T, _ environment, s *kratostest.Server) {
	ctx := t.Context()
	first, second := freshEmail(), freshEmail()
	id := must[uuid.UUID](t)(s.Create(ctx, fmt.Sprintf(
		`{"schema_id":"member","state":"active","traits":{"email":%q,"second_email":%q}}`, first, second)))
	for name, mail := range map[string]func() (*kratostest.Mailed, error){
		"login":    func() (*kratostest.Mailed, error) { return s.MailLogin(ctx, second) },
		"recovery": func() (*kratostest.Mailed, error) { return s.MailRecovery(ctx, second) },
	} {
		token := must[string](t)(must[*kratostest.Mailed](t)(mail()).Use(ctx))
		if session := must[kratostest.Session](t)(s.Whoami(ctx, token)); session.Identity.ID != id {
			t.Errorf("%s by the second address: %+v", name, session)
		}
	}
}

// The last first factor cannot be removed, be it a password or a social
// sign-in, unless passwordless codes are enabled; old versions still allow
// removing the latter. With a password, removing the social sign-in is always
// allowed.
func TestFacts_lastFirstFactor(t *testing.T) {
	s := kratostest.Shared(t)
	ctx := t.Context()
	email := freshEmail()
	body := func(credentials string) string {
		return fmt.Sprintf(`{"schema_id":"default","state":"inactive","traits":{"email":%q},"credentials":{%s}}`, email, credentials)
	}
	const social = `"oidc":{"config":{"providers":[{"provider":"test","subject":"%s-%d"}]}}`
	id := must[uuid.UUID](t)(s.Create(ctx, body(fmt.Sprintf(social, email, 1))))
	alone := status(t, s.DeleteCredential(ctx, id, "oidc", "test:"+email+"-1"))
	t.Logf("DELETE of the only social sign-in: %d", alone)
	if alone != 0 && alone != 400 {
		t.Errorf("the only social sign-in: %d", alone)
	}
	check(t, s.Replace(ctx, id, body(`"password":{"config":{"password":"correct horse"}}`)))
	if got := status(t, s.DeleteCredential(ctx, id, "password", "")); got != 400 && alone == 0 {
		t.Errorf("the only password: %d", got)
	}
	check(t, s.Replace(ctx, id, body(`"password":{"config":{"password":"correct horse"}},`+fmt.Sprintf(social, email, 2))))
	check(t, s.DeleteCredential(ctx, id, "oidc", "test:"+email+"-2"))
}
