package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

// holder is somebody whose account is handed over to an invitee.
type holder struct{ password, session string }

// leave makes an account with a password, a link to a provider, an authenticator
// app and a session, and deactivates it.
func leave(ctx context.Context, t *trial, s *subject) (err error) {
	if s.adopted != uuid.Nil {
		return nil // the invitation is tried again
	}
	s.former.password = "Former-" + uuid.NewString()
	s.adopted, err = t.kratos.Create(ctx, fmt.Sprintf(`{"schema_id":%q,"state":"active","traits":{"email":%q},"credentials":{
		"password":{"config":{"password":%q}},"oidc":{"config":{"providers":[{"provider":"idp","subject":%q}]}}}}`,
		kratostest.DefaultSchema, s.email, s.former.password, s.email))
	if err != nil {
		return err
	}
	if s.former.session, err = t.kratos.settle(ctx, s.adopted, s.email, s.former.password); err != nil {
		return err
	}
	return t.kratos.SetState(ctx, s.adopted, "inactive")
}

func inviteAnew(ctx context.Context, t *trial, s *subject) error {
	return inviteBy(ctx, t, s, map[string]any{"email": s.email, "expires_in": "48h", "reactivate": true})
}

func inviteFormer(ctx context.Context, t *trial, s *subject) error {
	if err := leave(ctx, t, s); err != nil {
		return err
	}
	return inviteAnew(ctx, t, s)
}

// isUntouched: all that opened the account is there still, and it is inactive.
func isUntouched(ctx context.Context, t *trial, s *subject) error {
	left, err := t.openers(ctx, s.adopted)
	if err == nil && left != 2 {
		err = fmt.Errorf("%d of the link and the authenticator app are there", left)
	}
	if signIn := t.kratos.SignIn(ctx, s.email, s.former.password); !errors.Is(signIn, kratostest.ErrInactive) {
		err = errors.Join(err, fmt.Errorf("the former holder's password: %w", signIn))
	}
	return err
}

// openers counts the ways to sign in beside passwords.
func (t *trial) openers(ctx context.Context, id uuid.UUID) (n int, err error) {
	shown, err := t.kratos.Show(ctx, id)
	for kind, c := range shown.Credentials {
		if kind == "totp" || kind == "oidc" && len(c.Identifiers) > 0 {
			n++
		}
	}
	return n, err
}

// reclaim has an administrator give each fourth account back to its holder,
// however far it was cleaned: nobody was told its password.
func reclaim(ctx context.Context, t *trial, s *subject) error {
	shown, err := t.kratos.Show(ctx, s.identity)
	if err != nil || shown.State == "active" || s.number%4 != 1 { // active: it was accepted
		return err
	}
	s.reclaimed = true
	if err := t.kratos.SetState(ctx, s.identity, "active"); err != nil {
		return err
	}
	return isReclaimed(ctx, t, s)
}

func isReclaimed(ctx context.Context, t *trial, s *subject) error {
	if err := t.kratos.SignIn(ctx, s.email, s.password); !errors.Is(err, kratostest.ErrWrongPassword) {
		return fmt.Errorf("the password that the invitee sent, for an account that was given back: %w", err)
	}
	return nil
}

// acceptOrReturn accepts, unless the account was given back.
func acceptOrReturn(ctx context.Context, t *trial, s *subject) error {
	if !s.reclaimed {
		return accept(ctx, t, s)
	}
	a, err := t.send(ctx, s, s.tokens[0], s.password)
	if err == nil && a.Error.ID != "invitation_revoked" {
		err = fmt.Errorf("%d %s", a.status, a.text)
	}
	return err
}

// isHandedOver: the invitee signs in, and nothing that the former holder had
// opens the account; or it was given back, and the invitee has nothing.
func isHandedOver(ctx context.Context, t *trial, s *subject) error {
	if s.reclaimed {
		return errors.Join(isReclaimed(ctx, t, s), hasState("revoked")(ctx, t, s), t.closed(ctx, s))
	}
	left, err := t.openers(ctx, s.identity)
	if err == nil && left > 0 {
		err = fmt.Errorf("%d of the link and the authenticator app are there", left)
	}
	works, whoami := t.kratos.works(ctx, s.former.session)
	if works {
		whoami = errors.New("the former holder's session works")
	}
	if signIn := t.kratos.SignIn(ctx, s.email, s.former.password); !errors.Is(signIn, kratostest.ErrWrongPassword) {
		err = errors.Join(err, fmt.Errorf("the former holder's password: %w", signIn))
	}
	return errors.Join(err, whoami, isAdopted(ctx, t, s), isAccepted(ctx, t, s))
}

func toldOfEnd(ctx context.Context, t *trial, s *subject) error {
	if s.reclaimed {
		return toldOnce("invitation_revoked")(ctx, t, s)
	}
	return toldOnce("post_password_creation")(ctx, t, s)
}
