package main

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

// identities is a Kratos, real or fake.
type identities struct {
	kratosAdmin
	url     string        // of the admin API
	public  string        // URL of the public API
	timeout time.Duration // of the bridge's calls
	// signInWithTOTP signs in as the holder of an account, sets up an authenticator
	// app, and returns the session.
	signInWithTOTP func(ctx context.Context, id uuid.UUID, email, password string) (session string, err error)
	// sessionWorks reports whether a session is valid.
	sessionWorks func(ctx context.Context, session string) (bool, error)
	// setPassword changes the password of an account as its holder.
	setPassword func(ctx context.Context, s *subject, password string) error
}

// lease returns the lease of a claim: ten seconds for hooks, four fifths of the
// timeout, and a margin of five seconds.
func (k identities) lease() time.Duration { return 10*time.Second + k.timeout*4/5 + 5*time.Second }

// kratosAdmin is another user of the admin API.
type kratosAdmin interface {
	kratostest.Admin
	Patch(ctx context.Context, id uuid.UUID, patch string) (kratostest.Shown, error)
	SetState(ctx context.Context, id uuid.UUID, state string) error
	Show(ctx context.Context, id uuid.UUID, types ...string) (kratostest.Shown, error)
}

func startKratos(ctx context.Context, whole bool) (k identities, stop func(), err error) {
	if whole {
		s, err := kratostest.Start(ctx, kratostest.Options{BcryptCost: 4, EveryMethod: true})
		if err != nil {
			return k, nil, err
		}
		return realIdentities(s), func() { _ = s.Stop() }, nil
	}
	f, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		return k, nil, err
	}
	return fakeIdentities(f), f.Close, nil
}

func realIdentities(s *kratostest.Server) identities {
	return identities{
		kratosAdmin: s, url: s.AdminURL, public: s.PublicURL,
		timeout: 5 * time.Second, // it shares the machine with its bridges and does more work than the fake
		signInWithTOTP: func(ctx context.Context, _ uuid.UUID, email, password string) (string, error) {
			session, err := s.Login(ctx, email, password)
			if err == nil {
				_, err = s.SetTOTP(ctx, session)
			}
			return session, err
		},
		sessionWorks: func(ctx context.Context, session string) (bool, error) {
			switch _, err := s.Whoami(ctx, session); {
			case errors.Is(err, kratostest.ErrNoSession):
				return false, nil
			case errors.Is(err, kratostest.ErrSecondFactor): // the session is valid but needs a second factor
				return true, nil
			default:
				return err == nil, err
			}
		},
		setPassword: func(ctx context.Context, x *subject, password string) error {
			session, err := s.Login(ctx, x.email, x.password)
			if err != nil {
				return err
			}
			return s.SetPassword(ctx, session, password)
		},
	}
}

func fakeIdentities(f *kratostest.Fake) identities {
	return identities{
		kratosAdmin: f, url: f.URL, public: f.URL, timeout: 2 * time.Second,
		signInWithTOTP: func(_ context.Context, id uuid.UUID, _, _ string) (string, error) {
			session, err := f.AddSession(id)
			return session, errors.Join(err, f.SetCredential(id, "totp", `{"totp_url":"otpauth://totp/x"}`))
		},
		sessionWorks: func(_ context.Context, session string) (bool, error) { return f.SessionWorks(session), nil },
		setPassword: func(ctx context.Context, x *subject, password string) error {
			return errors.Join(f.SignIn(ctx, x.email, x.password), f.Activate(ctx, x.identity, password))
		},
	}
}
