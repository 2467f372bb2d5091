package httpapi_test

import (
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
	a.Clock.Advance(time.Minute)
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
		if got.status != http.StatusConflict || got.errorID() != "invitation_exists" || strings.Contains(string(got.body), "Grace") || strings.Contains(string(got.body), other.ID.String()) || strings.Contains(string(got.body), "API key") {
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

// TestMineIdentities: an identity that others created, with whatever rights it was given, is
// not handed to the invitee of a member; one of an own invitation that has ended is.
func TestMineIdentities(t *testing.T) {
	a := startWithInviters(t)
	m, other := a.member(nil), a.member(nil)
	revoked := a.invite(object{"email": "revoked@example.com", "metadata_public": object{"roles": []string{"lead"}}})
	a.asAdmin(http.MethodPost, "/"+revoked.ID+"/revoke", nil)
	a.invite(object{"email": "expired@example.com", "traits": object{"name": object{"first": "Ada"}}})
	theirs, own := other.invites("theirs@example.com"), m.invites("own@example.com")
	other.call(http.MethodPost, "/"+theirs.ID.String()+"/revoke", nil)
	m.call(http.MethodPost, "/"+own.ID.String()+"/revoke", nil)
	a.Kratos.Add("provisioned@example.com", false)
	a.Clock.Advance(25 * time.Hour)
	before := a.Kratos.Len()
	for _, address := range []string{"revoked@example.com", "expired@example.com", "theirs@example.com", "provisioned@example.com"} {
		got := m.call(http.MethodPost, "", object{"email": address})
		if got.status != http.StatusConflict || got.errorID() != "identity_conflict" || strings.Contains(string(got.body), "Ada") {
			t.Errorf("%s: %d %s", address, got.status, got.body)
		}
	}
	if again := m.invites("own@example.com"); again.IdentityID != own.IdentityID {
		t.Errorf("the identity is %s, was %s", again.IdentityID, own.IdentityID)
	}
	if after := a.Kratos.Len(); after != before {
		t.Errorf("%d identities, were %d", after, before)
	}
	if got := a.asAdmin(http.MethodPost, "", object{"email": "expired@example.com"}); got.status != http.StatusCreated {
		t.Errorf("by a key: %d %s", got.status, got.body)
	}
}

// TestMineOrigin: a cookie counts only if the browser says that an allowed page sent it.
func TestMineOrigin(t *testing.T) {
	a := startWithInviters(t)
	m := a.member(nil)
	for name, c := range map[string]struct {
		headers []string
		want    int
	}{
		"allowed origin":              {[]string{"Origin", allowedOrigin}, 201},
		"same origin":                 {[]string{"Sec-Fetch-Site", "same-origin"}, 201},
		"neither":                     {nil, 403},
		"foreign origin":              {[]string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		"same site":                   {[]string{"Origin", "https://evil.example.com", "Sec-Fetch-Site", "same-site"}, 403},
		"opaque origin":               {[]string{"Origin", "null"}, 403},
		"another port":                {[]string{"Origin", allowedOrigin + ":8443"}, 403},
		"another scheme":              {[]string{"Origin", "http://app.example.com"}, 403},
		"a suffix":                    {[]string{"Origin", allowedOrigin + ".evil.example"}, 403},
		"upper case":                  {[]string{"Origin", strings.ToUpper(allowedOrigin)}, 403},
		"opened by hand":              {[]string{"Sec-Fetch-Site", "none"}, 403},
		"a form":                      {[]string{"Origin", "https://evil.example", "Content-Type", "text/plain"}, 403},
		"a form of the allowed page":  {[]string{"Origin", allowedOrigin, "Content-Type", "text/plain"}, 415},
		"a token beside the cookie":   {[]string{"Origin", allowedOrigin, "X-Session-Token", "x"}, 400},
		"a bearer beside the cookie":  {[]string{"Origin", allowedOrigin, "Authorization", "Bearer x"}, 400},
		"another scheme of authority": {[]string{"Origin", allowedOrigin, "Authorization", "Basic x"}, 401},
	} {
		body := object{"email": uuid.NewString() + "@example.com"}
		if got := m.browse(http.MethodPost, "", body, c.headers...); got.status != c.want {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := m.browse(http.MethodGet, "", nil); got.status != http.StatusForbidden {
		t.Errorf("reading without an origin: %d", got.status)
	}
	twice := sessionCookie + "=" + m.session.Reveal()
	if got := m.send(http.MethodGet, "", nil, "Cookie", twice+"; "+twice, "Origin", allowedOrigin); got.status != http.StatusBadRequest {
		t.Errorf("two cookies: %d %s", got.status, got.body)
	}
	if got := m.send(http.MethodGet, "", nil, "Cookie", "other="+m.session.Reveal(), "Origin", allowedOrigin); got.status != http.StatusUnauthorized {
		t.Errorf("another cookie: %d %s", got.status, got.body)
	}
	if got := m.send(http.MethodGet, "", nil, "Authorization", "Bearer "+m.session.Reveal()); got.status != http.StatusOK {
		t.Errorf("as a bearer token: %d %s", got.status, got.body)
	}
	if got := m.send(http.MethodGet, "", nil, "Authorization", "Bearer "+key); got.status != http.StatusUnauthorized {
		t.Errorf("an API key: %d %s", got.status, got.body)
	}
}

// TestMineCORS: only the allowed origins get CORS, with credentials, and on these routes
// only.
func TestMineCORS(t *testing.T) {
	a := startWithInviters(t)
	for origin, want := range map[string]string{allowedOrigin: allowedOrigin, "https://evil.example": ""} {
		got := do(t, request(t, http.MethodOptions, a.public+base+"/mine", nil,
			"Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type"))
		if got.header.Get("Access-Control-Allow-Origin") != want || (got.header.Get("Access-Control-Allow-Credentials") == "true") != (want != "") {
			t.Errorf("%s: %v", origin, got.header)
		}
	}
	got := do(t, request(t, http.MethodOptions, a.public+base+"/"+uuid.NewString(), nil, "Origin", allowedOrigin, "Access-Control-Request-Method", "POST"))
	if got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("other routes: %v", got.header)
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
