package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
)

// TestMine: members see, resend and revoke what they have created, and nothing else.
func TestMine(t *testing.T) {
	a := startWithInviters(t)
	grace, alan := a.member(nil), a.member(nil)
	byKey := a.invite(object{"email": "key@example.com"})
	of := map[*member]bridge.InvitationView{&grace: grace.invites("one@example.com"), &alan: alan.invites("two@example.com")}
	for m, own := range of {
		if own.CreatedBy != bridge.BySession(m.ID) || own.InviterID != m.ID.String() {
			t.Errorf("created by %v, inviter %s", own.CreatedBy, own.InviterID)
		}
		var list []bridge.InvitationView
		if m.call(http.MethodGet, "", nil).into(t, &list); len(list) != 1 || list[0].ID != own.ID {
			t.Errorf("the list is %+v", list)
		}
		if got := m.call(http.MethodGet, "?created_by=key:backend", nil); got.status != http.StatusBadRequest {
			t.Errorf("another creator: %d", got.status)
		}
	}
	for _, id := range []string{of[&alan].ID.String(), byKey.ID, uuid.NewString(), "x"} {
		for _, call := range [][2]string{{http.MethodGet, ""}, {http.MethodPost, "/resend"}, {http.MethodPost, "/revoke"}} {
			if got := grace.call(call[0], "/"+id+call[1], nil); got.status != http.StatusNotFound || got.errorID() != "invitation_not_found" {
				t.Errorf("%s %s: %d %s", call, id, got.status, got.body)
			}
		}
	}
	if got := a.asAdmin(http.MethodGet, "/"+byKey.ID, nil); !strings.Contains(string(got.body), `"pending"`) {
		t.Errorf("the invitation of the key is %s", got.body)
	}
	own := "/" + of[&grace].ID.String()
	for _, path := range []string{own + "/resend", own + "/revoke"} {
		if got := grace.call(http.MethodPost, path, nil); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := grace.call(http.MethodGet, own, nil); got.status != http.StatusOK || !strings.Contains(string(got.body), `"revoked"`) {
		t.Errorf("afterwards: %d %s", got.status, got.body)
	}
}

// TestMineReveals: an address that somebody else has invited, or that has an account in any
// state but active, reveals nothing; and nothing is changed.
func TestMineReveals(t *testing.T) {
	a := startWithInviters(t)
	m, other := a.member(nil), a.member(nil)
	a.invite(object{"email": "key@example.com", "inviter_name": "Grace", "notify": false})
	other.invites("other@example.com")
	used := a.Kratos.Add("used@example.com", true)
	a.Clock.Advance(time.Hour)
	a.Kratos.Deactivate(used)
	before := len(a.EventsFor(t, bridge.EndpointCourier))
	for _, address := range []string{"key@example.com", "other@example.com"} {
		got := m.call(http.MethodPost, "", object{"email": address})
		if got.status != http.StatusConflict || got.errorID() != "invitation_exists" || strings.Contains(string(got.body), "Grace") || strings.Contains(string(got.body), other.ID.String()) {
			t.Errorf("%s: %d %s", address, got.status, got.body)
		}
	}
	got := m.call(http.MethodPost, "", object{"email": "used@example.com"})
	if got.status != http.StatusConflict || got.errorID() != "identity_conflict" || strings.Contains(string(got.body), "reactivate") || strings.Contains(string(got.body), "deactivated") {
		t.Errorf("used: %d %s", got.status, got.body)
	}
	if after := len(a.EventsFor(t, bridge.EndpointCourier)); after != before {
		t.Errorf("%d emails", after-before)
	}
}

// TestMineMay: inviters set what the configuration lists, and nothing else.
func TestMineMay(t *testing.T) {
	a := startWithInviters(t, func(c *bridge.Config) {
		c.Inviters.May = []string{"email", "locale", "traits.name", "metadata_public.team"}
	})
	m := a.member(nil)
	for field, body := range map[string]object{
		"":                          {"locale": "de", "traits": object{"name": object{"first": "Ada"}}, "metadata_public": object{"team": object{"id": 1}}},
		"expires_in":                {"expires_in": "1h"},
		"inviter_name":              {"inviter_name": "Boss"},
		"inviter_id":                {"inviter_id": "1"},
		"notify":                    {"notify": false},
		"reactivate":                {"reactivate": true},
		"identity_id":               {"identity_id": uuid.NewString()},
		"metadata_admin":            {"metadata_admin": object{"team": 1}},
		"metadata_public":           {"metadata_public": []int{1}},
		"metadata_public.role":      {"metadata_public": object{"role": "admin", "team": 1}},
		"metadata_public.Team":      {"metadata_public": object{"Team": 1}},
		"traits.role":               {"traits": object{"role": "admin"}},
		"schema_id":                 {"schema_id": "employee"},
		"metadata_public.team.role": nil, // below what is listed
	} {
		if body == nil {
			continue
		}
		body["email"] = uuid.NewString() + "@example.com"
		got := m.call(http.MethodPost, "", body)
		switch {
		case field == "" && got.status != http.StatusCreated:
			t.Errorf("what they may: %d %s", got.status, got.body)
		case field != "" && (got.status != http.StatusForbidden && got.status != http.StatusBadRequest || !strings.Contains(string(got.body), field)):
			t.Errorf("%s: %d %s", field, got.status, got.body)
		}
	}
	if n := a.Kratos.Len(); n != 1 {
		t.Errorf("%d identities", n)
	}
}

// TestMineCopy: the invitee's identity gets what the rules copy from the inviter's, and who
// has nothing to copy cannot invite.
func TestMineCopy(t *testing.T) {
	a := startWithInviters(t, func(c *bridge.Config) {
		c.Inviters.Copy = map[string]string{"metadata_admin.from.team": "metadata_public.team", "metadata_admin.from.id": "id"}
		c.Inviters.NameTrait = "name.first"
	})
	with := a.member(func(i *bridge.Inviter) {
		i.Traits, i.MetadataPublic = json.RawMessage(`{"name":{"first":"Grace\nH."}}`), json.RawMessage(`{"team":{"n":1.50},"role":"x"}`)
	})
	v := with.invites(email)
	if v.InviterName != "Grace H." {
		t.Errorf("the name is %q", v.InviterName)
	}
	identity, err := a.Kratos.Read(t.Context(), v.IdentityID)
	if err != nil {
		t.Fatal(err)
	}
	admin := string(identity)
	if !strings.Contains(admin, `"team":{"n":1.50}`) || !strings.Contains(admin, with.ID.String()) || strings.Contains(admin, `"role"`) {
		t.Errorf("metadata_admin is %s", admin)
	}
	if got := a.member(nil).call(http.MethodPost, "", object{"email": "else@example.com"}); got.status != http.StatusForbidden || !strings.Contains(string(got.body), "metadata_public.team") {
		t.Errorf("without a team: %d %s", got.status, got.body)
	}
}

// TestMineLimit: each inviter has an allowance of POST requests.
func TestMineLimit(t *testing.T) {
	a := startWith(t, bridgetest.New(t, withInviters), func(c *httpapi.Config) {
		c.Inviters.RateLimit = httpapi.RateLimit{Requests: 2, Window: time.Hour}
	})
	m, other := a.member(nil), a.member(nil)
	m.invites("one@example.com")
	m.invites("two@example.com")
	if got := m.call(http.MethodPost, "", object{"email": "three@example.com"}); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := m.call(http.MethodGet, "", nil); got.status != http.StatusOK {
		t.Errorf("reading: %d", got.status)
	}
	other.invites("three@example.com")
}

// TestMineIdempotency: a repetition gets the first invitation, and the key of another
// inviter is another one.
func TestMineIdempotency(t *testing.T) {
	a := startWithInviters(t)
	m, other := a.member(nil), a.member(nil)
	var first, again bridge.InvitationView
	m.call(http.MethodPost, "", object{"email": email}, "Idempotency-Key", "1").into(t, &first)
	m.call(http.MethodPost, "", object{"email": email}, "Idempotency-Key", "1").into(t, &again)
	if first.ID == uuid.Nil || again.ID != first.ID {
		t.Errorf("%s, then %s", first.ID, again.ID)
	}
	if got := other.call(http.MethodPost, "", object{"email": email}, "Idempotency-Key", "1"); got.errorID() != "invitation_exists" {
		t.Errorf("another inviter: %d %s", got.status, got.body)
	}
}

// TestMineRoutes: each route below /mine requires a session, whatever else it is sent;
// without the configuration, none exists.
func TestMineRoutes(t *testing.T) {
	a := startWithInviters(t)
	walked := 0
	err := chi.Walk(a.handlers.Public(), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if !strings.HasPrefix(route, base+"/mine") {
			return nil
		}
		walked++
		path := strings.TrimSuffix(strings.ReplaceAll(route, "{id}", uuid.NewString()), "/")
		for name, headers := range map[string][]string{
			"nothing": nil, "an API key": {"Authorization", "Bearer " + key}, "a wrong token": {"X-Session-Token", "x"},
			"an empty token": {"X-Session-Token", ""}, "a wrong cookie": {"Cookie", sessionCookie + "=x", "Origin", allowedOrigin},
		} {
			got := do(t, request(t, method, a.public+path, object{}, headers...))
			if got.status != http.StatusUnauthorized || got.errorID() != "unauthorized" {
				t.Errorf("%s %s with %s: %d %s", method, route, name, got.status, got.body)
			}
		}
		return nil
	})
	if err != nil || walked != 5 {
		t.Errorf("%d routes: %v", walked, err)
	}
	off := startWith(t, bridgetest.New(t), func(c *httpapi.Config) { c.Inviters = nil })
	got := httptest.NewRecorder() // not by the listener: the document describes the routes
	off.handlers.Public().ServeHTTP(got, request(t, http.MethodPost, base+"/mine", object{"email": email}))
	if got.Code != http.StatusNotFound {
		t.Errorf("without the configuration: %d %s", got.Code, got.Body)
	}
}

// TestMineNoSecrets: no answer to an inviter has a token or a link, and no log line has the
// session.
func TestMineNoSecrets(t *testing.T) {
	a := startWithInviters(t)
	m := a.member(nil)
	var all strings.Builder
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{http.MethodPost, "", object{"email": email}}, {http.MethodPost, "", object{"email": email}}, {http.MethodGet, "", nil},
		{http.MethodPost, "", object{"email": "x"}},
	} {
		all.Write(m.call(c.method, c.path, c.body).body)
	}
	id := "/" + m.invites("two@example.com").ID.String()
	for _, path := range []string{id + "/resend", id + "/revoke", id + "/resend"} {
		all.Write(m.call(http.MethodPost, path, nil).body)
	}
	all.Write(m.browse(http.MethodPost, "", object{"email": email}).body)
	for _, hidden := range []string{"invitation_token", "invitation_link", "/invite/"} {
		if strings.Contains(all.String(), hidden) {
			t.Errorf("%s was answered in\n%s", hidden, all.String())
		}
	}
	for name, text := range map[string]string{"answers": all.String(), "log": a.log.String()} {
		if strings.Contains(text, m.session.Reveal()) {
			t.Errorf("the session is in the %s", name)
		}
	}
	if !strings.Contains(a.log.String(), `"inviter":"`+m.ID.String()) {
		t.Error("the log does not name the inviter")
	}
}
