package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
	"invitebridge/kratos/kratostest"
)

// inviteAs invites an address with a key, and returns the invitation.
func (a *api) inviteAs(secret, email string) (v bridge.InvitationView) {
	a.t.Helper()
	got := a.withKey(http.MethodPost, base, object{"email": email}, secret)
	if got.status != http.StatusCreated {
		a.t.Fatalf("%s: %d %s", email, got.status, got.body)
	}
	got.into(a.t, &v)
	return v
}

// listed returns the addresses of a list, newest first.
func (a *api) listed(secret, query string) (emails []string) {
	a.t.Helper()
	var list []bridge.InvitationView
	got := a.withKey(http.MethodGet, base+query, nil, secret)
	if got.status != http.StatusOK {
		a.t.Fatalf("%s: %d %s", query, got.status, got.body)
	}
	got.into(a.t, &list)
	for _, v := range list {
		emails = append(emails, v.Email)
	}
	return emails
}

// inviters are two keys of one name that may invite only, one of another name, and one
// that may also import.
func inviters(c *httpapi.Config) {
	only := []httpapi.Scope{httpapi.ScopeInvite}
	c.APIKeys = append(c.APIKeys, keyNamed("shop", "shop-old", only), keyNamed("shop", "shop-new", only), keyNamed("crm", "crm", only),
		keyNamed("migration", "migration", []httpapi.Scope{httpapi.ScopeInvite, httpapi.ScopeImport}))
}

// TestOwnInvitations: a key that may only invite sees, resends and revokes what a key of
// its name has created, and is given no token. Everything else does not exist for it.
func TestOwnInvitations(t *testing.T) {
	a := start(t, inviters)
	own, other := a.inviteAs("shop-old", email), a.inviteAs("crm", "crm@example.com")
	former, err := a.Service.Invite(t.Context(), bridge.InviteRequest{Email: "former@example.com"}) // as an earlier release
	if err != nil {
		t.Fatal(err)
	}
	if own.CreatedBy != bridge.ByKey("shop") || other.CreatedBy != bridge.ByKey("crm") || former.Invitation.CreatedBy != (bridge.Creator{}) {
		t.Errorf("created by %s, %s and %s", own.CreatedBy, other.CreatedBy, former.Invitation.CreatedBy)
	}
	for _, secret := range []string{"shop-old", "shop-new"} {
		for _, query := range []string{"?state=pending", "?created_by=key:shop&state=pending", "?state=pending&identity_origin=created"} {
			if got := a.listed(secret, query); !slices.Equal(got, []string{email}) {
				t.Errorf("%s lists %q with %s", secret, got, query)
			}
		}
		if got := a.listed(secret, "?email=crm@example.com"); got != nil {
			t.Errorf("%s lists %q", secret, got)
		}
		if got := a.withKey(http.MethodGet, base+"?created_by=key:crm", nil, secret); got.status != http.StatusForbidden || got.errorID() != "forbidden" {
			t.Errorf("%s lists those of another: %d %s", secret, got.status, got.body)
		}
		for _, call := range []struct{ method, path string }{{http.MethodGet, ""}, {http.MethodPost, "/resend"}, {http.MethodPost, "/revoke"}} {
			unknown := a.withKey(call.method, base+"/"+uuid.NewString()+call.path, nil, secret)
			for _, hidden := range []uuid.UUID{other.ID, former.Invitation.ID} {
				got := a.withKey(call.method, base+"/"+hidden.String()+call.path, nil, secret)
				if got.status != http.StatusNotFound || got.errorID() != unknown.errorID() || strings.Contains(string(got.body), "example.com") {
					t.Errorf("%s: %s %s of another: %d %s", secret, call.method, call.path, got.status, got.body)
				}
			}
			got := a.withKey(call.method, base+"/"+own.ID.String()+call.path, nil, secret)
			if got.status != http.StatusOK || strings.Contains(string(got.body), "invitation_token") || strings.Contains(string(got.body), "invitation_link") {
				t.Errorf("%s: %s %s of its own: %d %s", secret, call.method, call.path, got.status, got.body)
			}
		}
		own = a.inviteAs(secret, email) // it is revoked
	}
	if got := a.listed(key, "?state=pending"); !slices.Equal(got, []string{email, "former@example.com", "crm@example.com"}) {
		t.Errorf("pending are %q", got)
	}
}

// TestPendingByAnother: an address that is pending by another creator is refused, and
// nothing changes; one of its own is invited again.
func TestPendingByAnother(t *testing.T) {
	a := start(t, inviters)
	own := a.inviteAs("shop-old", email)
	before := a.asAdmin(http.MethodGet, "/"+own.ID.String(), nil)
	if n := len(a.dispatches(bridge.EndpointCourier)); n != 1 {
		t.Errorf("%d emails", n)
	}
	got := a.withKey(http.MethodPost, base, object{"email": email, "inviter_name": "Mallory"}, "crm")
	if got.status != http.StatusConflict || got.errorID() != "invitation_exists" || strings.Contains(string(got.body), own.ID.String()) || got.header.Get("Location") != "" {
		t.Errorf("by another: %d %s", got.status, got.body)
	}
	if after := a.asAdmin(http.MethodGet, "/"+own.ID.String(), nil); string(after.body) != string(before.body) || len(a.dispatches(bridge.EndpointCourier)) != 0 {
		t.Errorf("before: %s\nafter: %s", before.body, after.body)
	}
	got = a.withKey(http.MethodPost, base, object{"email": email}, "shop-new")
	var again bridge.InvitationView
	got.into(t, &again)
	if got.status != http.StatusOK || again.ID != own.ID || strings.Contains(string(got.body), "invitation_token") {
		t.Errorf("its own: %d %s", got.status, got.body)
	}
}

// TestRepeatedByAnother: an invitation by another one is not shown to a key that was
// shown it when it had more scopes.
func TestRepeatedByAnother(t *testing.T) {
	a := start(t, inviters)
	a.inviteAs("crm", email)
	repeat := func() answer {
		return do(t, request(t, http.MethodPost, a.admin+base, object{"email": email}, "Authorization", "Bearer "+key, "Idempotency-Key", "one"))
	}
	if got := repeat(); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	a.handlers.SetAPIKeys([]httpapi.APIKey{keyNamed("backend", key, []httpapi.Scope{httpapi.ScopeInvite})})
	if got := repeat(); got.status != http.StatusConflict || got.errorID() != "invitation_exists" {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestCreatorOfCaller: no caller says who has created an invitation.
func TestCreatorOfCaller(t *testing.T) {
	a := start(t, inviters)
	got := a.withKey(http.MethodPost, base, object{"email": email, "created_by": object{"kind": "key", "id": "crm"}}, "shop-old")
	if got.status != http.StatusBadRequest || got.errorID() != "bad_request" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := a.uploadAs("migration", "", "email,created_by\nada@example.com,key:crm\n"); got.status != http.StatusBadRequest {
		t.Errorf("a column: %d %s", got.status, got.body)
	}
	if got := a.uploadAs("migration", "created_by=key:crm", "email\nada@example.com\n"); got.status != http.StatusBadRequest {
		t.Errorf("a default: %d %s", got.status, got.body)
	}
	a.importAs("migration", "email\nada@example.com\ngrace@example.com\n")
	var list []bridge.InvitationView
	a.withKey(http.MethodGet, base, nil, "migration").into(t, &list)
	if len(list) != 2 || list[0].CreatedBy != bridge.ByKey("migration") || list[1].CreatedBy != bridge.ByKey("migration") {
		t.Errorf("imported: %+v", list)
	}
}

// TestErrorsForStrangers: an error for a key without link names nothing of others that
// the same error names for others.
func TestErrorsForStrangers(t *testing.T) {
	a := start(t, inviters)
	create := func(address, second string) uuid.UUID {
		t.Helper()
		id, err := a.Kratos.Create(t.Context(), fmt.Sprintf(`{"schema_id":%q,"state":"inactive","traits":{"email":%q,"second_email":%q}}`, kratostest.MemberSchema, address, second))
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	create("two@example.com", "private@example.com")
	moved := a.invite(object{"email": "moved@example.com"})
	status, answered := a.Kratos.Do(http.MethodPatch, "/admin/identities/"+moved.IdentityID, `[{"op":"replace","path":"/schema_id","value":"`+kratostest.MemberSchema+`"}]`)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, answered)
	}
	a.Clock.Advance(time.Minute)
	for name, c := range map[string]struct {
		body       object
		hidden, id string
	}{
		"other addresses":    {object{"email": "two@example.com"}, "private@example.com", "identity_conflict"},
		"pending, elsewhere": {object{"email": "moved@example.com", "schema_id": kratostest.MemberSchema}, moved.ID, "invitation_exists"},
	} {
		shown := a.asAdmin(http.MethodPost, "", c.body)
		if shown.errorID() != "identity_conflict" || !strings.Contains(string(shown.body), c.hidden) {
			t.Errorf("%s, with all scopes: %d %s", name, shown.status, shown.body)
		}
		got := a.withKey(http.MethodPost, base, c.body, "shop-old")
		if got.status != http.StatusConflict || got.errorID() != c.id || strings.Contains(string(got.body), c.hidden) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		var envelope struct {
			Error struct{ Details json.RawMessage }
		}
		if got.into(t, &envelope); envelope.Error.Details != nil {
			t.Errorf("%s: %s", name, envelope.Error.Details)
		}
	}
	if n := len(a.EventsFor(t, bridgetest.Hook)); n != 1 {
		t.Errorf("%d events", n)
	}
}
