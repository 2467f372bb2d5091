package kratostest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

// Sessions of an inactive identity are listed, and become usable again with it
// unless they were deleted.
func factSessions(t *testing.T, _ environment, s *kratostest.Server) {
	ctx := t.Context()
	id, email := newMember(t, s)
	count := func(want int) {
		t.Helper()
		if list := must[[]kratostest.Session](t)(s.Sessions(ctx, id)); len(list) != want {
			t.Errorf("%d sessions, want %d: %+v", len(list), want, list)
		}
	}
	count(0)
	if got := status(t, s.DeleteSessions(ctx, id)); got != http.StatusNotFound {
		t.Errorf("DELETE where there are none: %d", got)
	}
	check(t, s.Activate(ctx, id, password))
	token := must[string](t)(s.Login(ctx, email, password))
	check(t, s.SetState(ctx, id, "inactive"))
	count(1)
	check(t, s.DeleteSessions(ctx, id))
	count(0)
	check(t, s.SetState(ctx, id, "active"))
	if _, err := s.Whoami(ctx, token); !errors.Is(err, kratostest.ErrNoSession) {
		t.Errorf("a deleted session: %v", err)
	}
}

// A new member has entries for its identifiers, and none of them allows signing
// in. Credentials that were set up are listed without being requested.
func factCredentials(t *testing.T, _ environment, s *kratostest.Server) {
	ctx := t.Context()
	id, email := newMember(t, s)
	shown := must[kratostest.Shown](t)(s.Show(ctx, id, "password", "webauthn"))
	if diff := cmp.Diff([]string{"code", "password", "webauthn"}, kinds(shown)); diff != "" {
		t.Error("new: ", diff)
	}
	if got := string(shown.Credentials["password"].Config); got != `{}` {
		t.Errorf("new, password: %s", got)
	}
	if got := members(t, shown.Credentials["webauthn"].Config); !slices.Equal(got, []string{"user_handle"}) {
		t.Errorf("new, webauthn: %v", got)
	}
	if got := shown.Credentials["code"]; !slices.Equal(got.Identifiers, []string{email}) || got.Config != nil {
		t.Errorf("new, code: %+v", got)
	}

	a := newAccount(t, s)
	shown = must[kratostest.Shown](t)(s.Show(ctx, a.id))
	if diff := cmp.Diff([]string{"code", "lookup_secret", "oidc", "password", "totp", "webauthn"}, kinds(shown)); diff != "" {
		t.Error("all set up: ", diff)
	}
	if got := shown.Credentials["oidc"].Identifiers; !slices.Equal(got, []string{"test:" + a.at.Subject}) {
		t.Errorf("all set up, oidc: %q", got)
	}
	shown = must[kratostest.Shown](t)(s.Show(ctx, a.id, "password", "webauthn"))
	if got := members(t, shown.Credentials["password"].Config); !slices.Equal(got, []string{"hashed_password"}) {
		t.Errorf("all set up, password: %v", got)
	}
}

// DELETE answers 404 for missing credentials and 204 for removed ones, with
// exceptions. The last one is dangerous: 204 for a key that stays.
func factDeletion(t *testing.T, _ environment, s *kratostest.Server) {
	ctx := t.Context()
	a := newAccount(t, s)
	check(t, s.SetState(ctx, a.id, "inactive"))
	subject := "test:" + a.at.Subject
	for _, step := range []struct {
		kind, identifier string
		want             int // 0: removed
	}{
		{"oidc", "", http.StatusBadRequest}, // several could be meant
		{"oidc", "test:nobody", http.StatusNotFound},
		{"oidc", subject, 0},
		{"oidc", subject, http.StatusNotFound},
		{"totp", "", 0},
		{"totp", "", http.StatusNotFound},
		{"lookup_secret", "", 0},
		{"lookup_secret", "", http.StatusNotFound},
		{"webauthn", "", 0}, // there is a user_handle, which will be recreated
		{"webauthn", "", 0},
		{"passkey", "", http.StatusNotFound},
		{"saml", "", http.StatusNotFound},
		{"saml", "test:nobody", http.StatusNotFound},
		{"code", "", http.StatusBadRequest},
	} {
		if got := status(t, s.DeleteCredential(ctx, a.id, step.kind, step.identifier)); got != step.want {
			t.Errorf("DELETE %s %q: %d, want %d", step.kind, step.identifier, got, step.want)
		}
	}
	shown := must[kratostest.Shown](t)(s.Show(ctx, a.id, "oidc"))
	if diff := cmp.Diff([]string{"code", "oidc", "password", "webauthn"}, kinds(shown)); diff != "" {
		t.Error(diff)
	}
	if got := shown.Credentials["oidc"].Identifiers; len(got) != 0 {
		t.Errorf("oidc, after its deletion: %q", got)
	}

	setKey := func(kind string, passwordless bool) {
		t.Helper()
		_ = must[kratostest.Shown](t)(s.Patch(ctx, a.id, securityKey(kind, a.id, passwordless)))
	}
	keys := func() int {
		t.Helper()
		config := must[kratostest.Shown](t)(s.Show(ctx, a.id, "webauthn")).Credentials["webauthn"].Config
		var c struct{ Credentials []json.RawMessage }
		check(t, json.Unmarshal(config, &c))
		return len(c.Credentials)
	}
	setKey("webauthn", false)
	check(t, s.DeleteCredential(ctx, a.id, "webauthn", ""))
	if keys() != 0 {
		t.Error("a second factor stayed")
	}
	setKey("passkey", true)
	if got := status(t, s.DeleteCredential(ctx, a.id, "passkey", "")); got != http.StatusBadRequest {
		t.Errorf("DELETE of a passkey: %d", got)
	}
	setKey("webauthn", true)
	check(t, s.DeleteCredential(ctx, a.id, "webauthn", ""))
	if keys() != 1 {
		t.Error("204, and the passwordless key was removed: Kratos has fixed the bug")
	}
}

// securityKey returns a patch that adds a fictitious key to an identity.
func securityKey(kind string, id uuid.UUID, passwordless bool) string {
	return fmt.Sprintf(`[{"op":"add","path":"/credentials/%[1]s","value":{"type":%[1]q,"identifiers":[%[2]q],"version":1,
		"config":{"user_handle":"dXNlcg==","credentials":[{"id":"a2V5","public_key":"a2V5","attestation_type":"none",
		"authenticator":{"aaguid":"AAAAAAAAAAAAAAAAAAAAAA==","sign_count":0,"clone_warning":false},
		"display_name":"key","added_at":"2026-01-01T00:00:00Z","is_passwordless":%[3]v}]}}}]`, kind, id, passwordless)
}

func kinds(s kratostest.Shown) []string { return slices.Sorted(maps.Keys(s.Credentials)) }

func members(t *testing.T, object json.RawMessage) []string {
	t.Helper()
	var all map[string]json.RawMessage
	check(t, json.Unmarshal(object, &all))
	return slices.Sorted(maps.Keys(all))
}
