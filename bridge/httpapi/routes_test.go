package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
)

func TestInviteAndAccept(t *testing.T) {
	a := start(t)
	got := a.asAdmin(http.MethodPost, "/", object{"email": email, "traits": object{"name": object{"first": "Ada"}}, "inviter_name": "Grace"})
	if got.status != http.StatusCreated {
		t.Fatalf("invite: %d %s", got.status, got.body)
	}
	var o issuedInvitation
	got.into(t, &o)
	if got.header.Get("Location") != base+"/"+o.ID || !strings.HasSuffix(o.Link, "/"+o.Token) || o.State != "pending" {
		t.Errorf("%+v, Location %q", o, got.header.Get("Location"))
	}
	if again := a.asAdmin(http.MethodPost, "", object{"email": "ADA@example.com"}); again.status != http.StatusOK {
		t.Errorf("invite again: %d %s", again.status, again.body)
	}
	var seen struct {
		Email       string
		State       string
		InviterName string `json:"inviter_name"`
		Policy      struct {
			Min        int  `json:"min_password_length"`
			Max        int  `json:"max_password_length"`
			Similarity bool `json:"identifier_similarity_check_enabled"`
		} `json:"password_policy"`
	}
	for _, spelling := range []string{o.Token, o.Token + "/", o.Token + "==", o.Token + "%3D%3D"} {
		preview := a.asInvitee(http.MethodGet, "/"+spelling, nil)
		preview.into(t, &seen)
		if preview.status != http.StatusOK || seen.Email != email || seen.State != "pending" || seen.InviterName != "Grace" ||
			seen.Policy.Min != 8 || seen.Policy.Max != 72 || !seen.Policy.Similarity {
			t.Errorf("preview: %d %s", preview.status, preview.body)
		}
		if preview.header.Get("Cache-Control") != "no-store" || preview.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("preview: headers %v", preview.header)
		}
	}
	if head := a.asInvitee(http.MethodHead, "/"+o.Token, nil); head.status != http.StatusOK || len(head.body) != 0 {
		t.Errorf("HEAD: %d, %d bytes", head.status, len(head.body))
	}
	weak := a.asInvitee(http.MethodPost, "/"+o.Token, object{"password": "1234567"})
	if weak.status != http.StatusBadRequest || weak.errorID() != "password_policy_violation" || !strings.Contains(string(weak.body), `"id":4000032`) {
		t.Errorf("weak: %d %s", weak.status, weak.body)
	}
	done := a.asInvitee(http.MethodPost, "/"+o.Token, object{"password": password})
	var accepted struct {
		Invitation struct{ State, ID string }
		Continue   []struct {
			Action string
			To     string `json:"redirect_browser_to"`
		} `json:"continue_with"`
	}
	done.into(t, &accepted)
	if done.status != http.StatusOK || accepted.Invitation.State != "accepted" || accepted.Invitation.ID != o.ID ||
		len(accepted.Continue) != 1 || accepted.Continue[0].To != "https://id.example.com/login" {
		t.Errorf("accept: %d %s", done.status, done.body)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if after := a.asInvitee(method, "/"+o.Token, object{"password": password}); after.status != http.StatusGone || after.errorID() != "invitation_accepted" {
			t.Errorf("%s after: %d %s", method, after.status, after.body)
		}
	}
	if err := a.Kratos.SignIn(t.Context(), email, password); err != nil {
		t.Errorf("sign in: %v", err)
	}
}

func TestConfirm(t *testing.T) {
	allowed, err := bridge.ParseReturnURLs([]string{"https://app.example.com/"})
	if err != nil {
		t.Fatal(err)
	}
	a := startWith(t, bridgetest.New(t, func(c *bridge.Config) { c.AllowedReturnURLs = allowed }))
	o := a.invite(object{"email": email, "return_to": "https://app.example.com/welcome"})
	got := a.asInvitee(http.MethodPost, "/confirm", object{"invitation_token": o.Token, "password": password})
	if got.status != http.StatusOK || !strings.Contains(string(got.body), `"redirect_browser_to":"https://app.example.com/welcome"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestResendAndRevoke(t *testing.T) {
	a := start(t)
	o := a.invite(object{"email": email})
	var again issuedInvitation
	resent := a.asAdmin(http.MethodPost, "/"+o.ID+"/resend", nil)
	resent.into(t, &again)
	if resent.status != http.StatusOK || again.Token == "" || again.Token == o.Token || again.ID != o.ID {
		t.Errorf("resend: %d %s", resent.status, resent.body)
	}
	for range 2 {
		if got := a.asAdmin(http.MethodPost, "/"+o.ID+"/revoke/", nil); got.status != http.StatusOK || strings.Contains(string(got.body), "invitation_token") {
			t.Errorf("revoke: %d %s", got.status, got.body)
		}
	}
	if got := a.asInvitee(http.MethodGet, "/"+again.Token, nil); got.status != http.StatusGone || got.errorID() != "invitation_revoked" {
		t.Errorf("preview: %d %s", got.status, got.body)
	}
	got := a.asAdmin(http.MethodGet, "/"+o.ID, nil)
	if got.status != http.StatusOK || !strings.Contains(string(got.body), `"state":"revoked"`) || strings.Contains(string(got.body), "token") {
		t.Errorf("get: %d %s", got.status, got.body)
	}
	for _, id := range []string{uuid.NewString(), "x", strings.ToUpper(o.ID), "urn:uuid:" + o.ID, o.Token} {
		if got := a.asAdmin(http.MethodGet, "/"+id, nil); got.errorID() != "invitation_not_found" {
			t.Errorf("get %s: %d %s", id, got.status, got.body)
		}
	}
}

func TestList(t *testing.T) {
	a := start(t)
	for i := range 5 {
		a.invite(object{"email": fmt.Sprintf("u%d@example.com", i), "inviter_id": "i1"})
	}
	next := regexp.MustCompile(`<([^>]*)>; rel="next"`)
	address, seen := a.admin+base+"/?page_size=2&inviter_id=i1", map[string]bool{}
	for pages := 1; ; pages++ {
		got := do(t, request(t, http.MethodGet, address, nil, "Authorization", "Bearer "+key))
		var page []struct{ ID, Email string }
		got.into(t, &page)
		for _, inv := range page {
			seen[inv.Email] = true
		}
		link := next.FindStringSubmatch(got.header.Get("Link"))
		if !strings.Contains(got.header.Get("Link"), `rel="first"`) || strings.Contains(got.header.Get("Link"), ", ") {
			t.Errorf("Link: %s", got.header.Get("Link"))
		}
		if link == nil {
			if pages != 3 || len(seen) != 5 {
				t.Errorf("%d pages, %d invitations", pages, len(seen))
			}
			break
		}
		address = a.admin + link[1]
	}
	if got := a.asAdmin(http.MethodGet, "/?state=accepted", nil); string(got.body) != "[]\n" {
		t.Errorf("an empty list: %s", got.body)
	}
	for _, query := range []string{
		"state=lost", "page_size=0", "page_size=501", "page_size=x", "page_token=x", "email=Ada", "sort=x", "state=pending&state=expired", "a=%zz", "a;b",
	} {
		if got := a.asAdmin(http.MethodGet, "/?"+query, nil); got.status != http.StatusBadRequest || got.errorID() == "" {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
}

// TestListByEmailWithPlus: an address with a plus is found whether the plus is
// escaped or not, on every page.
func TestListByEmailWithPlus(t *testing.T) {
	a := start(t)
	a.invite(object{"email": "bob+x@example.com"})
	for _, query := range []string{"email=bob+x@example.com", "state=pending&email=bob+x@example.com&page_size=1", "email=bob%2Bx%40example.com"} {
		got := a.asAdmin(http.MethodGet, "/?"+query, nil)
		var page []struct{ Email string }
		got.into(t, &page)
		if len(page) != 1 || page[0].Email != "bob+x@example.com" {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
		if link := got.header.Get("Link"); !strings.Contains(link, "email=bob%2Bx%40example.com") {
			t.Errorf("%s: Link: %s", query, link)
		}
	}
}

// TestEveryAdminRouteNeedsAKey: every route of the admin router requires an API
// key, except health and version, and none exists on the public listener.
func TestEveryAdminRouteNeedsAKey(t *testing.T) {
	a := start(t)
	open := map[string]bool{"/health/alive": true, "/health/ready": true, "/version": true}
	handlers := httpapi.New(a.Service, httpapi.Config{BasePath: base})
	walked := 0
	err := chi.Walk(handlers.Admin(), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		path := strings.NewReplacer("{id}", uuid.NewString()).Replace(route)
		if open[route] {
			if got := do(t, request(t, method, a.admin+path, nil)); got.status != http.StatusOK {
				t.Errorf("%s %s without a key: %d", method, route, got.status)
			}
			return nil
		}
		walked++
		for name, header := range map[string]string{
			"none": "", "wrong": "Bearer another-key", "empty": "Bearer ", "malformed": key, "basic": "Basic " + key,
			"cut": "Bearer " + key[:len(key)-1], "long": "Bearer " + key + "x", "two": "Bearer " + key + " " + key,
		} {
			r := request(t, method, a.admin+path, "{}")
			if header != "" {
				r.Header.Set("Authorization", header)
			}
			if got := do(t, r); got.status != http.StatusUnauthorized || got.errorID() != "unauthorized" || got.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s %s, key %s: %d %s", method, route, name, got.status, got.body)
			}
		}
		r := request(t, method, a.public+path, "{}")
		r.Header.Set("Authorization", "Bearer "+key)
		want := http.StatusNotFound
		if method == http.MethodDelete { // the path is that of a token there
			want = http.StatusMethodNotAllowed
		}
		if got := do(t, r); got.status != want {
			t.Errorf("%s %s on the public listener: %d", method, route, got.status)
		}
		return nil
	})
	if err != nil || walked < 5 {
		t.Fatalf("walked %d routes: %v", walked, err)
	}
	for _, path := range []string{"/", "/nothing", base + "/x/y", "/version/x"} {
		if got := do(t, request(t, http.MethodGet, a.admin+path, nil)); got.status != http.StatusUnauthorized {
			t.Errorf("%s without a key: %d", path, got.status)
		}
	}
	two := request(t, http.MethodGet, a.admin+base, nil)
	two.Header["Authorization"] = []string{"Bearer " + key, "Bearer x"}
	if got := do(t, two); got.status != http.StatusUnauthorized {
		t.Errorf("two headers: %d", got.status)
	}
}

func TestUnknownRoutesAndMethods(t *testing.T) {
	a := start(t)
	o := a.invite(object{"email": email})
	for _, c := range []struct {
		method, path string
		status       int
		id           string
	}{
		{http.MethodGet, "/nothing", 404, "not_found"},
		{http.MethodGet, base, 404, "not_found"},
		{http.MethodPost, base + "/", 404, "not_found"},
		{http.MethodGet, "/metrics/prometheus", 404, "not_found"},
		{http.MethodPut, base + "/" + o.Token, 405, "method_not_allowed"},
		{http.MethodDelete, base + "/" + o.Token, 405, "method_not_allowed"},
		{http.MethodGet, base + "/confirm", 404, "invitation_not_found"},
		{http.MethodGet, base + "/%zz", 400, ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, a.public, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL = &url.URL{Scheme: "http", Host: r.URL.Host, Opaque: c.path}
		if got := do(t, r); got.status != c.status || got.errorID() != c.id {
			t.Errorf("%s %s: %d %s", c.method, c.path, got.status, got.body)
		}
	}
}

// TestHeadAndAllow: HEAD works wherever GET does, and a 405 names the allowed
// methods.
func TestHeadAndAllow(t *testing.T) {
	a := start(t)
	o := a.invite(object{"email": email})
	imported := a.importFile("email\ngrace@example.com\n", "").ID
	for address, allow := range map[string]string{
		a.admin + base: "GET, POST, HEAD", a.admin + base + "/": "GET, POST, HEAD", a.admin + base + "/" + o.ID: "GET, DELETE, HEAD", a.admin + base + "/messages": "GET, HEAD",
		a.admin + base + "/imports": "GET, POST, HEAD", a.admin + base + "/imports/": "GET, POST, HEAD", a.admin + base + "/imports/" + imported: "GET, HEAD",
		a.admin + base + "/imports/" + imported + "/rows": "GET, HEAD",
		a.public + base + "/" + o.Token:                   "GET, POST, HEAD", a.public + "/invite/" + o.Token: "GET, POST, HEAD", a.public + "/version": "GET, HEAD",
	} {
		if got := do(t, request(t, http.MethodHead, address, nil, "Authorization", "Bearer "+key)); got.status != http.StatusOK || len(got.body) != 0 {
			t.Errorf("HEAD %s: %d", address, got.status)
		}
		if got := do(t, request(t, http.MethodPut, address, nil, "Authorization", "Bearer "+key)); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != allow {
			t.Errorf("PUT %s: %d, %q", address, got.status, got.header.Get("Allow"))
		}
		if strings.Contains(allow, http.MethodDelete) {
			continue
		}
		if got := do(t, request(t, http.MethodDelete, address, nil, "Authorization", "Bearer "+key)); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != allow {
			t.Errorf("DELETE %s: %d, %q", address, got.status, got.header.Get("Allow"))
		}
	}
}
