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

// Sessions of an inactive identity are listed, and come to life with it, unless
// they were deleted.
func factSessions(t *testing.T, _ place, s *kratostest.Server) {
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

// An untouched member has entries for what its traits identify it by, and none
// opens anything. What was set up is listed without being asked for.
func factCredentials(t *testing.T, _ place, s *kratostest.Server) {
	ctx := t.Context()
	id, email := newMember(t, s)
	shown := must[kratostest.Shown](t)(s.Show(ctx, id, "password", "webauthn"))
	if diff := cmp.Diff([]string{"code", "password", "webauthn"}, kinds(shown)); diff != "" {
		t.Error("untouched: ", diff)
	}
	if got := string(shown.Credentials["password"].Config); got != `{}` {
		t.Errorf("untouched, password: %s", got)
	}
	if got := members(t, shown.Credentials["webauthn"].Config); !slices.Equal(got, []string{"user_handle"}) {
		t.Errorf("untouched, webauthn: %v", got)
	}
	if got := shown.Credentials["code"]; !slices.Equal(got.Identifiers, []string{email}) || got.Config != nil {
		t.Errorf("untouched, code: %+v", got)
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

// DELETE answers 404 for what is not there and 204 for what it removes, but for
// exceptions. The last is the dangerous one: 204 for a key that stays.
func factDeletion(t *testing.T, _ place, s *kratostest.Server) {
	ctx := t.Context()
	a := newAccount(t, s)
	check(t, s.SetState(ctx, a.id, "inactive"))
	subject := "test:" + a.at.Subject
	for _, step := range []struct {
		kind, identifier string
		want             int // 0: removed
	}{
		{"oidc", "", http.StatusBadRequest}, // which of them?
		{"oidc", "test:nobody", http.StatusNotFound},
		{"oidc", subject, 0},
		{"oidc", subject, http.StatusNotFound},
		{"totp", "", 0},
		{"totp", "", http.StatusNotFound},
		{"lookup_secret", "", 0},
		{"lookup_secret", "", http.StatusNotFound},
		{"webauthn", "", 0}, // there is a user_handle, and there will be another
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
		t.Error("204, and a passwordless key is gone: Kratos has mended it")
	}
}

// securityKey is a patch that gives an identity a key which nobody has.
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
