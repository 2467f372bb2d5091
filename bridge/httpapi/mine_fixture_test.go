package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

const (
	sessionCookie = "ory_kratos_session"
	allowedOrigin = "https://app.example.com"
	mineEmail     = "mine@example.com"
)

// withInviters permits everybody with a session to invite.
func withInviters(c *bridge.Config) {
	c.InviterSessions = bridgetest.Sessions{}
	c.Inviters = bridge.InviterRules{Allow: []bridge.InviterRule{{AAL: "aal1"}}, May: []string{"email", "locale", "return_to", "expires_in"}}
}

// member is an inviter with a session.
type member struct {
	*api
	bridge.Inviter
	session bridge.Session
}

// member returns a new inviter; change may alter the identity.
func (a *api) member(change func(*bridge.Inviter)) member {
	i := bridge.Inviter{ID: uuid.New(), SchemaID: "default", AAL: "aal1"}
	if change != nil {
		change(&i)
	}
	return member{a, i, bridgetest.NewSession(i)}
}

// call sends a request with the session token, to a path below the inviter's.
func (m member) call(method, path string, body any, headers ...string) answer {
	m.t.Helper()
	return m.send(method, path, body, append([]string{"X-Session-Token", m.session.Reveal()}, headers...)...)
}

// browse sends a request as a browser does, with the cookie of the session.
func (m member) browse(method, path string, body any, headers ...string) answer {
	m.t.Helper()
	return m.send(method, path, body, append([]string{"Cookie", sessionCookie + "=" + m.session.Reveal()}, headers...)...)
}

func (m member) send(method, path string, body any, headers ...string) answer {
	m.t.Helper()
	return do(m.t, request(m.t, method, m.public+base+"/mine"+path, body, headers...))
}

// invites invites an address and returns the invitation.
func (m member) invites(address string) bridge.InvitationView {
	m.t.Helper()
	got := m.call(http.MethodPost, "", object{"email": address})
	if got.status != http.StatusCreated {
		m.t.Fatalf("%d %s", got.status, got.body)
	}
	var v bridge.InvitationView
	got.into(m.t, &v)
	return v
}

func startWithInviters(t testing.TB, changes ...func(*bridge.Config)) *api {
	t.Helper()
	return startWith(t, bridgetest.New(t, append([]func(*bridge.Config){withInviters}, changes...)...))
}
