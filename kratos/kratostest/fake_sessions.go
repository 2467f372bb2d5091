package kratostest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

const sessionLifespan = 24 * time.Hour

// fakeSession is a session of an identity.
type fakeSession struct {
	id    uuid.UUID
	token string
	began time.Time
}

// sessions handles GET /admin/identities/{id}/sessions. It lists the newest
// session first, and accepts inactive and unknown identities.
func (f *Fake) sessions(id string, q url.Values) reply {
	i, r, ok := f.sessionsOf(id)
	if !ok {
		return r
	}
	wanted, err := strconv.ParseBool(q.Get("active"))
	if err != nil && q.Get("active") != "" {
		return refusal(http.StatusBadRequest, "", "could not parse parameter active")
	}
	shown := []any{}
	if i != nil && (wanted || q.Get("active") == "") {
		for _, s := range slices.Backward(i.sessions) {
			shown = append(shown, i.showSession(f.options, s))
		}
	}
	return jsonReply(http.StatusOK, shown)
}

func (i *fakeIdentity) showSession(o FakeOptions, s fakeSession) any {
	shown := i.show(o, nil)
	shown.Credentials, shown.VerifiableAddresses, shown.RecoveryAddresses = nil, nil, nil
	return map[string]any{
		"id": s.id, "active": i.State == stateActive, "identity": shown, "devices": []any{},
		"issued_at": s.began, "authenticated_at": s.began, "expires_at": s.began.Add(sessionLifespan),
		"authenticator_assurance_level": "aal1",
		"authentication_methods":        []any{map[string]any{"method": methodPassword, "aal": "aal1", "completed_at": s.began}},
	}
}

// deleteSessions handles DELETE /admin/identities/{id}/sessions.
func (f *Fake) deleteSessions(id string) reply {
	i, r, ok := f.sessionsOf(id)
	switch {
	case !ok:
		return r
	case i == nil:
		return notFound()
	}
	return f.edit(i.ID, func(i *fakeIdentity) (reply, bool) {
		if len(i.sessions) == 0 {
			return notFound(), false
		}
		i.sessions = nil
		return reply{status: http.StatusNoContent}, true
	})
}

// sessionsOf returns nil for an unknown identity, which is not an error here.
func (f *Fake) sessionsOf(text string) (*fakeIdentity, reply, bool) {
	id, err := uuid.Parse(text)
	if err != nil {
		return nil, refusal(http.StatusBadRequest, "", err.Error()), false
	}
	i, ok := f.identity.byID(id)
	if !ok {
		return nil, reply{}, true
	}
	return i, reply{}, true
}

// AddSession signs an identity in and returns the token of the new session.
//
// Errors: ErrInactive.
func (f *Fake) AddSession(id uuid.UUID) (token string, err error) {
	s := fakeSession{id: uuid.New(), token: "ory_st_" + strings.ReplaceAll(uuid.NewString(), "-", ""), began: f.now().UTC()}
	err = f.alter(id, func(i *fakeIdentity) error {
		if i.State != stateActive {
			return ErrInactive
		}
		i.sessions = append(i.sessions, s)
		return nil
	})
	return s.token, err
}

// SessionWorks reports whether a session is usable now: not deleted, and of an
// active identity. It may become usable again when the identity is activated
// again.
func (f *Fake) SessionWorks(token string) bool {
	i, ok := f.identity.find(func(i *fakeIdentity) bool {
		return slices.ContainsFunc(i.sessions, func(s fakeSession) bool { return s.token == token })
	})
	return ok && i.State == stateActive
}
