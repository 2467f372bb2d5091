package bridge_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// holder is a user with an active account and every way to sign in set up.
type holder struct {
	email, password string
	id              uuid.UUID
	session         string
	totp            func() string
	codes           []string
	person          kratostest.Person
}

const formerPassword = "former-Horse-8-battery" // of the former holder

// newHolder creates an account by the admin API, as an import does, and has its
// holder set up the rest.
func (l *liveBridge) newHolder(t *testing.T) holder {
	t.Helper()
	h := holder{email: freshEmail(), password: formerPassword}
	h.id = must[uuid.UUID](t)(l.Create(t.Context(), inactive(h.email)))
	return l.setUpHolder(t, h)
}

// setUpHolder activates the account of h as an administrator and sets up every
// way to sign in as its holder.
func (l *liveBridge) setUpHolder(t *testing.T, h holder) holder {
	t.Helper()
	ctx := t.Context()
	h.password = formerPassword
	noError(t, l.Activate(ctx, h.id, h.password))
	h.person = kratostest.Person{Subject: h.email, Email: h.email} // their provider still confirms the address
	noError(t, l.LinkSocial(ctx, h.email, h.password, h.person))
	h.session = must[string](t)(l.Login(ctx, h.email, h.password))
	h.totp = must[func() string](t)(l.SetTOTP(ctx, h.session))
	h.codes = must[[]string](t)(l.SetLookupSecrets(ctx, h.session))
	return h
}

// inactive is the body of an identity as an administrator creates it before
// inviting someone.
func inactive(email string) string {
	return `{"schema_id":"member","state":"inactive","traits":{"email":"` + email + `"}}`
}

func (h holder) request() bridge.InviteRequest { return bridge.InviteRequest{Email: h.email} }

func (h holder) again() bridge.InviteRequest {
	return bridge.InviteRequest{Email: h.email, Reactivate: true}
}

// way is an attempt to get into an account. It returns a session token.
type way func(context.Context) (session string, err error)

// ways are those of a holder: a password, a provider and an open session.
func (l *liveBridge) ways(h holder) map[string]way {
	return map[string]way{
		"password": func(ctx context.Context) (string, error) { return l.Login(ctx, h.email, h.password) },
		"social":   func(ctx context.Context) (string, error) { return l.LoginSocial(ctx, h.person) },
		"session":  func(context.Context) (string, error) { return h.session, nil },
	}
}

// sendCodes has Kratos send every kind of code and link for the account of h,
// and returns how to use them.
func (l *liveBridge) sendCodes(t *testing.T, h holder, when string) map[string]way {
	t.Helper()
	ctx := t.Context()
	code := must[*kratostest.Mailed](t)
	ways := map[string]way{
		"recovery code " + when: code(l.MailRecovery(ctx, h.email)).Use,
		"login code " + when:    code(l.MailLogin(ctx, h.email)).Use,
		"admin code " + when:    code(l.AdminRecoveryCode(ctx, h.id)).Use,
	}
	link := must[string](t)(l.AdminRecoveryLink(ctx, h.id))
	ways["admin link "+when] = func(ctx context.Context) (string, error) {
		err := l.FollowRecoveryLink(ctx, link)
		if err == nil || errors.Is(err, kratostest.ErrSecondFactor) {
			return "", errSignedInByLink
		}
		return "", err
	}
	return ways
}

// errSignedInByLink says that a link signed in, in a flow that has no session
// token.
var errSignedInByLink = errors.New("signed in by a link")
