package httpapi_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
	"invitebridge/kratos/kratostest"
)

// open requests the page, as a browser does.
func (a *api) open(token string, headers ...string) answer {
	a.t.Helper()
	return do(a.t, request(a.t, http.MethodGet, a.public+"/invite/"+token, nil, headers...))
}

// submit sends a form of the page.
func (a *api) submit(token string, form url.Values, headers ...string) answer {
	a.t.Helper()
	headers = append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)
	return do(a.t, request(a.t, http.MethodPost, a.public+"/invite/"+token, form.Encode(), headers...))
}

func passwordForm(password string) url.Values { return url.Values{"password": {password}} }

// screenOf returns the name of the screen that a page shows.
func screenOf(a answer) string {
	_, after, _ := strings.Cut(string(a.body), `<main class="`)
	screen, _, _ := strings.Cut(after, `"`)
	return screen
}

func (a *api) wantScreen(t *testing.T, got answer, status int, screen string, words ...string) {
	t.Helper()
	if got.status != status || screenOf(got) != screen {
		t.Errorf("%d, %q instead of %d, %q: %s", got.status, screenOf(got), status, screen, got.body)
	}
	for _, word := range words {
		if !strings.Contains(string(got.body), word) {
			t.Errorf("%s does not contain %q", screen, word)
		}
	}
	if strings.Contains(string(got.body), password) {
		t.Errorf("%s contains the password", screen)
	}
}

// TestPageStates: the page shows the state of the invitation.
func TestPageStates(t *testing.T) {
	const login = "https://id.example.com/login"
	a := start(t)
	o := a.invite(object{"email": "ada@example.com", "inviter_name": "Grace <Hopper>", "locale": "de"})
	a.wantScreen(t, a.open(o.Token), 200, "form", `lang="de"`, `value="ada@example.com"`, "Grace &lt;Hopper&gt;", `name="password"`, `data-limit="8"`)
	a.wantScreen(t, a.open(o.Token, "Accept-Language", "en-GB,en;q=0.8"), 200, "form", `lang="en"`, "has invited you")
	a.wantScreen(t, a.open(o.Token+"/"), 200, "form")
	a.wantScreen(t, a.open(strings.Replace(o.Token, o.Token[:1], "%"+hex(o.Token[0]), 1)), 200, "form")
	a.wantScreen(t, a.submit(o.Token, passwordForm("short")), 400, "form", `lang="de"`, "mindestens 8", `aria-invalid="true"`)
	a.wantScreen(t, a.submit(o.Token, passwordForm("\xff\xfe long enough")), 400, "form", `lang="de"`)
	a.wantScreen(t, a.submit(o.Token, passwordForm(password)), 200, "accepted", `lang="de"`, `href="`+login+`"`)
	a.wantScreen(t, a.open(o.Token), 410, "done", `href="`+login+`"`)
	a.wantScreen(t, a.submit(o.Token, passwordForm(password)), 410, "done")

	o = a.invite(object{"email": "b@example.com"})
	a.asAdmin(http.MethodPost, "/"+o.ID+"/revoke", nil)
	a.wantScreen(t, a.open(o.Token), 410, "revoked")
	o = a.invite(object{"email": "c@example.com"})
	a.Kratos.ActivateByHand(uuid.MustParse(o.IdentityID), password)
	a.wantScreen(t, a.submit(o.Token, passwordForm(password)), 410, "revoked")
	for _, token := range []string{bridge.MintToken().Reveal(), "x", o.Token + "x", "%00", "a%2Fb"} {
		a.wantScreen(t, a.open(token), 404, "unknown")
		a.wantScreen(t, a.submit(token, passwordForm(password)), 404, "unknown")
	}
	a.wantScreen(t, do(t, request(t, http.MethodGet, a.public+"/invite/", nil)), 404, "unknown")
	a.wantScreen(t, do(t, request(t, http.MethodPut, a.public+"/invite/"+o.Token, nil)), 405, "unavailable")
	if got := do(t, request(t, http.MethodGet, a.admin+"/invite/"+o.Token, nil, "Authorization", "Bearer "+key)); got.status != 404 {
		t.Errorf("the admin listener serves the page: %d", got.status)
	}
}

// TestPageWithoutLogin: without a login page the page has no link to it; a link to
// return_to stays.
func TestPageWithoutLogin(t *testing.T) {
	const own, login = "https://app.example.com/start", "https://id.example.com/login"
	allowed, err := bridge.ParseReturnURLs([]string{own})
	if err != nil {
		t.Fatal(err)
	}
	w := bridgetest.New(t, func(c *bridge.Config) { c.AllowedReturnURLs = allowed })
	none := true
	a := startWith(t, w, func(c *httpapi.Config) { c.NoLogin = func(context.Context) bool { return none } })
	for email, to := range map[string]string{"ada@example.com": "", "bob@example.com": own} {
		body, want := object{"email": email}, "You can sign in now at Example"
		if to != "" {
			body["return_to"], want = to, `href="`+to+`"`
		}
		o := a.invite(body)
		got := a.submit(o.Token, passwordForm(password))
		a.wantScreen(t, got, 200, "accepted", want)
		got = a.open(o.Token)
		a.wantScreen(t, got, 410, "done", "You can sign in now at Example")
		if strings.Contains(string(got.body), login) {
			t.Errorf("links to a login page that does not exist:\n%s", got.body)
		}
	}
	none = false
	a.wantScreen(t, a.open("x"), 404, "unknown", `href="`+login+`"`)
}

// TestPageTooEarly: an invitation for a recently deactivated account can only be
// accepted later. The page and Retry-After say when.
func TestPageTooEarly(t *testing.T) {
	a := start(t)
	id := a.Kratos.Add("left@example.com", true)
	a.Kratos.Deactivate(id)
	o := a.invite(object{"email": "left@example.com", "reactivate": true, "timezone": "Asia/Kolkata"})
	got := a.submit(o.Token, passwordForm(password))
	a.wantScreen(t, got, 409, "early", "after Wednesday, 2\u00a0January 2030, 09:35\u00a0UTC&#43;5:30")
	if wait := got.header.Get("Retry-After"); wait != "3600" {
		t.Errorf("Retry-After: %s", wait)
	}
	a.wantScreen(t, a.submit(o.Token, passwordForm("short")), 400, "form")
	a.wantScreen(t, a.submit(o.Token, passwordForm(password), "Accept-Language", "de"), 409, "early", "ab Mittwoch, 2.\u00a0Januar 2030, 09:35\u00a0Uhr\u00a0(UTC&#43;5:30)")
	a.wantScreen(t, a.open(o.Token), 200, "early", "after Wednesday, 2\u00a0January 2030, 09:35\u00a0UTC&#43;5:30") // before the invitee chooses a password
	a.Clock.Advance(time.Hour)
	a.wantScreen(t, a.open(o.Token), 200, "form")
	a.wantScreen(t, a.submit(o.Token, passwordForm(password)), 200, "accepted")
}

// TestPageIdentifiers: the page contains the identifiers that a password is
// compared with; the preview does not.
func TestPageIdentifiers(t *testing.T) {
	a := start(t)
	o := a.invite(object{"email": email, "schema_id": kratostest.MemberSchema, "traits": object{"username": "Lovelace"}})
	a.wantScreen(t, a.open(o.Token), 200, "form", `data-rule="similar"`, `data-identifiers="[&#34;lovelace&#34;]"`)
	a.wantScreen(t, a.submit(o.Token, passwordForm("l0v3l4c3")), 400, "form", "username", `data-identifiers="[&#34;lovelace&#34;]"`)
	if got := a.asInvitee(http.MethodGet, "/"+o.Token, nil); got.status != http.StatusOK || strings.Contains(string(got.body), "lovelace") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func hex(b byte) string {
	const digits = "0123456789ABCDEF"
	return digits[b>>4:b>>4+1] + digits[b&15:b&15+1]
}

// TestPageRedirect: after an acceptance the page redirects to return_to, and to the
// login page only if configured.
func TestPageRedirect(t *testing.T) {
	allowed, err := bridge.ParseReturnURLs([]string{"https://app.example.com/"})
	if err != nil {
		t.Fatal(err)
	}
	const refresh = `<meta http-equiv="refresh"`
	for _, configured := range []bool{false, true} {
		a := startWith(t, bridgetest.New(t, func(c *bridge.Config) { c.AllowedReturnURLs = allowed }), func(c *httpapi.Config) { c.AutoRedirect = configured })
		o := a.invite(object{"email": "ada@example.com"})
		if got := a.submit(o.Token, passwordForm(password)); strings.Contains(string(got.body), refresh) != configured {
			t.Errorf("auto redirect %v: %s", configured, got.body)
		}
		o = a.invite(object{"email": "b@example.com", "return_to": "https://app.example.com/in?a=b"})
		a.wantScreen(t, a.submit(o.Token, passwordForm(password)), 200, "accepted", refresh+` content="0;url=https://app.example.com/in?a=b"`)
	}
}

// TestPageLanguage: if the browser's language is not available, the page uses the
// invitation's locale, also after the invitation has ended.
func TestPageLanguage(t *testing.T) {
	a := start(t)
	latin := []string{"Accept-Language", "la"}
	o := a.invite(object{"email": "ada@example.com", "locale": "de"})
	a.wantScreen(t, a.open(o.Token, latin...), 200, "form", `lang="de"`)
	a.Clock.Advance(25 * time.Hour)
	a.wantScreen(t, a.open(o.Token, latin...), 410, "expired", `lang="de"`)
	a.wantScreen(t, a.submit(o.Token, url.Values{"renew": {"1"}}, latin...), 200, "renewed", `lang="de"`)
	a.wantScreen(t, a.open("x", latin...), 404, "unknown", `lang="en"`, "https://id.example.com/login")
}
