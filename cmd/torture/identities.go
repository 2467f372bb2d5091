package main

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

// identities is the Kratos, real or not.
type identities struct {
	hand
	url     string        // of the admin API
	public  string        // and of the public one
	timeout time.Duration // of the bridge's calls
	// settle signs the holder of an account in, who then sets up an authenticator
	// app, and gives the session.
	settle func(ctx context.Context, id uuid.UUID, email, password string) (session string, err error)
	// works says whether a session is worth anything.
	works func(ctx context.Context, session string) (bool, error)
	// setPassword has the holder of an account change its password.
	setPassword func(ctx context.Context, s *subject, password string) error
}

// lease is that of a claim: ten seconds for hooks, four fifths of the timeout,
// and five to spare.
func (k identities) lease() time.Duration { return 10*time.Second + k.timeout*4/5 + 5*time.Second }

// hand is somebody else who has access to the admin API.
type hand interface {
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
		hand: s, url: s.AdminURL, public: s.PublicURL,
		timeout: 5 * time.Second, // it shares the machine with its bridges, and has more to do
		settle: func(ctx context.Context, _ uuid.UUID, email, password string) (string, error) {
			session, err := s.Login(ctx, email, password)
			if err == nil {
				_, err = s.SetTOTP(ctx, session)
			}
			return session, err
		},
		works: func(ctx context.Context, session string) (bool, error) {
			switch _, err := s.Whoami(ctx, session); {
			case errors.Is(err, kratostest.ErrNoSession):
				return false, nil
			case errors.Is(err, kratostest.ErrSecondFactor): // it lives, and asks for more
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
		hand: f, url: f.URL, public: f.URL, timeout: 2 * time.Second,
		settle: func(_ context.Context, id uuid.UUID, _, _ string) (string, error) {
			session, err := f.AddSession(id)
			return session, errors.Join(err, f.SetCredential(id, "totp", `{"totp_url":"otpauth://totp/x"}`))
		},
		works: func(_ context.Context, session string) (bool, error) { return f.SessionWorks(session), nil },
		setPassword: func(ctx context.Context, x *subject, password string) error {
			return errors.Join(f.SignIn(ctx, x.email, x.password), f.Activate(ctx, x.identity, password))
		},
	}
}
