package kratos_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// A wrong address must be recognized as such: mistaken for a missing identity,
// it would revoke every pending invitation.
func TestWrongAddress(t *testing.T) {
	serve := func(h http.HandlerFunc) func(*testing.T) string {
		return func(t *testing.T) string {
			s := httptest.NewServer(h)
			t.Cleanup(s.Close)
			return s.URL
		}
	}
	for name, address := range map[string]func(*testing.T) string{
		"some web server":          serve(http.NotFound),
		"a gateway without a rule": serve(jsonAnswer(404, `{"error":{"code":404,"status":"Not Found","message":"Requested url does not match any rules"}}`)),
		"another JSON API":         serve(jsonAnswer(404, `{"error":"Unable to locate the resource"}`)),
		"a single-page app":        serve(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<!doctype html>")) }),
		"an obliging JSON API":     serve(jsonAnswer(200, `{}`)),
		"a login page":             serve(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusSeeOther) }),
		"Kratos' public API":       func(t *testing.T) string { return kratostest.Shared(t).PublicURL },
		"a path below Kratos":      func(t *testing.T) string { return kratostest.Shared(t).AdminURL + "/admin" },
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, kratos.Config{AdminURL: address(t)})
			id := uuid.New()
			_, err := c.Get(t.Context(), id)
			wantNoConclusion(t, "Get", err)
			_, err = c.FindByEmail(t.Context(), invitedEmail)
			wantNoConclusion(t, "FindByEmail", err)
			_, err = c.Create(t.Context(), bridge.IdentityParams{InvitationID: id, SchemaID: "default", Traits: []byte(`{}`)})
			wantNoConclusion(t, "Create", err)
			_, err = c.HasSessions(t.Context(), id)
			wantNoConclusion(t, "HasSessions", err)
			i := bridge.Identity{ID: id, SchemaID: "default", Traits: []byte(`{}`), Email: invitedEmail}
			for _, w := range []bridge.Write{
				(&fixture{mark: id}).activation(), bridge.WritePassword{Password: invitedPassword}, bridge.WriteVerified{},
				bridge.WriteMark{Mark: bridge.Mark{InvitationID: id}}, bridge.EndSessions{}, bridge.RemoveCredential{Type: "totp"}, bridge.DeleteIdentity{},
			} {
				wantNoConclusion(t, w.Name(), errorOf(c.Write(t.Context(), i, w)))
			}
		})
	}
}

func wantNoConclusion(t *testing.T, what string, err error) {
	t.Helper()
	var e *bridge.IdentityError
	if !errors.As(err, &e) || e.Outcome == bridge.OutcomeInvalid {
		t.Errorf("%s: error is %v, want a rejection or an unknown outcome", what, err)
	}
}

func jsonAnswer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// Redirects of Kratos are not followed: token and password are meant only for
// Kratos.
func TestRedirectIsNotFollowed(t *testing.T) {
	var followed atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer elsewhere.Close()
	b := newFixture(t, kratos.Config{AdminToken: "token"})
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := newClient(t, kratos.Config{AdminURL: b.fake.URL, Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
			res := &http.Response{StatusCode: status, Header: http.Header{"Location": {elsewhere.URL}}, Body: http.NoBody, Request: r}
			if r.Method == http.MethodGet {
				return http.DefaultTransport.RoundTrip(r)
			}
			return res, nil
		})})
		if err := errorOf(c.Write(t.Context(), b.made, b.activation())); !isOutcome(err, bridge.OutcomeRejected) {
			t.Errorf("%d: %v", status, err)
		}
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

func TestNew(t *testing.T) {
	for name, config := range map[string]kratos.Config{
		"no address":        {},
		"no scheme":         {AdminURL: "kratos:4434"},
		"another scheme":    {AdminURL: "ftp://kratos"},
		"user information":  {AdminURL: "http://admin:s3cret@kratos:4434"},
		"a query":           {AdminURL: "http://kratos:4434/?token=s3cret"},
		"a bad email trait": {AdminURL: "http://kratos:4434", EmailTraits: map[string]string{"": "contact..email"}},
		"a bad public URL":  {AdminURL: "http://kratos:4434", PublicURL: "kratos:4433"},
		"a bad token":       {AdminURL: "http://kratos:4434", AdminToken: "s3cret\r\nX: y"},
		"a negative bound":  {AdminURL: "http://kratos:4434", MaxConns: -1},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := kratos.New(config)
			if err == nil || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestToken(t *testing.T) {
	for _, token := range []string{"", "abc"} {
		var headers []string
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			headers = append(headers, r.Header.Get("Authorization"))
		}))
		defer s.Close()
		c := newClient(t, kratos.Config{AdminURL: s.URL, AdminToken: token})
		if err := c.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		_, _ = c.Get(t.Context(), uuid.New())
		want := ""
		if token != "" {
			want = "Bearer " + token
		}
		if len(headers) != 2 || headers[0] != want || headers[1] != want {
			t.Errorf("sent %q, want %q", headers, want)
		}
	}
}
