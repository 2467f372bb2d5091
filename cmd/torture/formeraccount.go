package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

// holder is the former holder of an account that is handed over to an invitee.
type holder struct{ password, session string }

// createFormerAccount creates an account with a password, a social sign-in, an
// authenticator app and a session, and deactivates it.
func createFormerAccount(ctx context.Context, t *trial, s *subject) (err error) {
	if s.adopted != uuid.Nil {
		return nil // created by an earlier attempt
	}
	s.former.password = "Former-" + uuid.NewString()
	s.adopted, err = t.kratos.Create(ctx, fmt.Sprintf(`{"schema_id":%q,"state":"active","traits":{"email":%q},"credentials":{
		"password":{"config":{"password":%q}},"oidc":{"config":{"providers":[{"provider":"idp","subject":%q}]}}}}`,
		kratostest.DefaultSchema, s.email, s.former.password, s.email))
	if err != nil {
		return err
	}
	if s.former.session, err = t.kratos.signInWithTOTP(ctx, s.adopted, s.email, s.former.password); err != nil {
		return err
	}
	return t.kratos.SetState(ctx, s.adopted, "inactive")
}

func inviteAnew(ctx context.Context, t *trial, s *subject) error {
	return inviteBy(ctx, t, s, map[string]any{"email": s.email, "expires_in": "48h", "reactivate": true})
}

func inviteFormer(ctx context.Context, t *trial, s *subject) error {
	if err := createFormerAccount(ctx, t, s); err != nil {
		return err
	}
	return inviteAnew(ctx, t, s)
}

// isUntouched checks that all credentials of the account still exist and that it
// is inactive.
func isUntouched(ctx context.Context, t *trial, s *subject) error {
	left, err := t.countCredentials(ctx, s.adopted)
	if err == nil && left != 2 {
		err = fmt.Errorf("%d of social sign-in and authenticator app exist", left)
	}
	if signIn := t.kratos.SignIn(ctx, s.email, s.former.password); !errors.Is(signIn, kratostest.ErrInactive) {
		err = errors.Join(err, fmt.Errorf("the former holder's password: %w", signIn))
	}
	return err
}

// countCredentials counts the credentials other than passwords.
func (t *trial) countCredentials(ctx context.Context, id uuid.UUID) (n int, err error) {
	shown, err := t.kratos.Show(ctx, id)
	for kind, c := range shown.Credentials {
		if kind == "totp" || kind == "oidc" && len(c.Identifiers) > 0 {
			n++
		}
	}
	return n, err
}

// reclaim reactivates every fourth account as an administrator would, however far
// its cleanup has come: the password that the invitee sent must not work then. But
// Kratos may still be executing a request of the process that was killed; where that
// has activated the account, it was accepted.
func reclaim(ctx context.Context, t *trial, s *subject) error {
	shown, err := t.kratos.Show(ctx, s.identity)
	if err != nil || shown.State == "active" || s.number%4 != 1 { // active: it was accepted
		return err
	}
	s.reclaimedAt = time.Now()
	if err := t.kratos.SetState(ctx, s.identity, "active"); err != nil {
		return err
	}
	err = t.kratos.SignIn(ctx, s.email, s.password)
	s.reclaimed = errors.Is(err, kratostest.ErrWrongPassword)
	if err == nil || s.reclaimed {
		return nil
	}
	return err
}

func isReclaimed(ctx context.Context, t *trial, s *subject) error {
	if err := t.kratos.SignIn(ctx, s.email, s.password); !errors.Is(err, kratostest.ErrWrongPassword) {
		return fmt.Errorf("signing in with the invitee's password to a reactivated account: %w", err)
	}
	return nil
}

// acceptOrReturn accepts, or expects a revoked invitation if an administrator
// reactivated the account.
func acceptOrReturn(ctx context.Context, t *trial, s *subject) error {
	if !s.reclaimed {
		return accept(ctx, t, s)
	}
	a, err := t.send(ctx, s, s.tokens[0], s.password)
	switch {
	case err != nil:
		return err
	case a.Error.ID == "invitation_accepted":
		return acceptedBeforeReclaim(ctx, t, s)
	case a.Error.ID != "invitation_revoked":
		return fmt.Errorf("%d %s", a.status, a.text)
	}
	return nil
}

// acceptedBeforeReclaim checks that an acceptance began in the process that was
// killed. Then its request took effect late.
func acceptedBeforeReclaim(ctx context.Context, t *trial, s *subject) error {
	shown, err := call(ctx, http.MethodGet, t.process.admin, "/"+s.id.String(), nil)
	if err != nil {
		return err
	}
	if shown.AcceptedAt.IsZero() || !shown.AcceptedAt.Before(s.reclaimedAt) {
		return fmt.Errorf("accepted although an administrator had reactivated the account: %s", shown.text)
	}
	s.reclaimed = false
	return nil
}

// isHandedOver checks that the invitee can sign in and the former holder cannot,
// or that the invitee cannot if an administrator reactivated the account.
func isHandedOver(ctx context.Context, t *trial, s *subject) error {
	if s.reclaimed {
		return errors.Join(isReclaimed(ctx, t, s), hasState("revoked")(ctx, t, s), t.checkTokensGone(ctx, s))
	}
	left, err := t.countCredentials(ctx, s.identity)
	if err == nil && left > 0 {
		err = fmt.Errorf("%d of social sign-in and authenticator app exist", left)
	}
	works, whoami := t.kratos.sessionWorks(ctx, s.former.session)
	if works {
		whoami = errors.New("the former holder's session is still valid")
	}
	if signIn := t.kratos.SignIn(ctx, s.email, s.former.password); !errors.Is(signIn, kratostest.ErrWrongPassword) {
		err = errors.Join(err, fmt.Errorf("the former holder's password: %w", signIn))
	}
	return errors.Join(err, whoami, isAdopted(ctx, t, s), isAccepted(ctx, t, s))
}

func deliveredEnd(ctx context.Context, t *trial, s *subject) error {
	if s.reclaimed {
		return deliveredOnce("invitation_revoked")(ctx, t, s)
	}
	return deliveredOnce("post_password_creation")(ctx, t, s)
}
