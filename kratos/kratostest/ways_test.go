package kratostest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

func member(state, email string) string {
	return `{"schema_id":"member","state":"` + state + `","traits":{"email":"` + email + `","username":"u-` + email + `"}}`
}

const password = "correct horse battery"

// account is an active member with everything set up.
type account struct {
	email string
	id    uuid.UUID
	token string // of a session
	totp  func() string
	codes []string
	at    kratostest.Person
}

func newAccount(t *testing.T, s *kratostest.Server) account {
	t.Helper()
	ctx := t.Context()
	a := account{email: freshEmail()}
	a.at = kratostest.Person{Subject: a.email, Email: "other-" + a.email}
	var err error
	try := func(step string, e error) {
		t.Helper()
		if e != nil {
			t.Fatalf("%s: %v", step, e)
		}
	}
	a.id, err = s.Create(ctx, member("inactive", a.email))
	try("create", err)
	try("activate", s.Activate(ctx, a.id, password))
	try("link", s.LinkSocial(ctx, a.email, password, a.at))
	a.token, err = s.Login(ctx, "u-"+a.email, password)
	try("log in by username", err)
	a.totp, err = s.SetTOTP(ctx, a.token)
	try("set TOTP", err)
	a.codes, err = s.SetLookupSecrets(ctx, a.token)
	try("set lookup secrets", err)
	return a
}

// ways returns every way to sign in to the account or to get a session of it.
func (a account) ways(t *testing.T, s *kratostest.Server) map[string]func(context.Context) (string, error) {
	mailed := func(m *kratostest.Mailed, err error) func(context.Context) (string, error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return m.Use
	}
	link, err := s.AdminRecoveryLink(t.Context(), a.id)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]func(context.Context) (string, error){
		"password":      func(ctx context.Context) (string, error) { return s.Login(ctx, a.email, password) },
		"social":        func(ctx context.Context) (string, error) { return s.LoginSocial(ctx, a.at) },
		"login code":    mailed(s.MailLogin(t.Context(), a.email)),
		"recovery code": mailed(s.MailRecovery(t.Context(), a.email)),
		"admin code":    mailed(s.AdminRecoveryCode(t.Context(), a.id)),
		"recovery link": func(ctx context.Context) (string, error) {
			err := s.FollowRecoveryLink(ctx, link)
			if errors.Is(err, kratostest.ErrSecondFactor) {
				err = nil
			}
			return a.token, err
		},
		"old session": func(ctx context.Context) (string, error) {
			session, err := s.Whoami(ctx, a.token)
			if err == nil && (!session.Active || session.Identity.ID != a.id) {
				err = errors.New("the session belongs to another account")
			}
			return a.token, err
		},
	}
}

// No way in works while an account is inactive. When it is active again they
// work once more, even codes and links issued before and in between, unless
// they were tried while it was inactive.
func TestServer_waysIn(t *testing.T) {
	s := kratostest.StartEveryMethod(t, kratostest.Options{})
	ctx := t.Context()
	a := newAccount(t, s)
	before := a.ways(t, s)
	if err := s.SetState(ctx, a.id, "inactive"); err != nil {
		t.Fatal(err)
	}
	while := a.ways(t, s)
	tried := a.ways(t, s)
	for name, enter := range tried {
		want := kratostest.ErrInactive
		if name == "old session" {
			want = kratostest.ErrNoSession
		}
		if _, err := enter(ctx); !errors.Is(err, want) {
			t.Errorf("%s, of an inactive account: %v; want %v", name, err, want)
		}
	}
	if err := s.SetPassword(ctx, a.token, "another battery staple"); !errors.Is(err, kratostest.ErrNoSession) {
		t.Errorf("the settings of an inactive account: %v", err)
	}
	if err := s.SetState(ctx, a.id, "active"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"login code", "recovery code", "admin code", "recovery link"} {
		if _, err := tried[name](ctx); !errors.Is(err, kratostest.ErrWrongCode) {
			t.Errorf("%s, tried while it was inactive: %v; want it used up", name, err)
		}
	}
	for when, ways := range map[string]map[string]func(context.Context) (string, error){"before": before, "while": while} {
		for name, enter := range ways {
			token, err := enter(ctx)
			if err != nil || token == "" {
				t.Errorf("%s, issued %s it was inactive: %q, %v", name, when, token, err)
			}
		}
	}
	if err := s.SetPassword(ctx, a.token, "another battery staple"); err != nil {
		t.Errorf("the settings by the old session: %v", err)
	}
}
