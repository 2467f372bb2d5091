package httpapi_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
	"invitebridge/kratos/kratostest"
)

// open asks for the page as a browser does.
func (a *api) open(token string, headers ...string) answer {
	a.t.Helper()
	return do(a.t, request(a.t, http.MethodGet, a.public+"/invite/"+token, nil, headers...))
}

// submit sends the page's form.
func (a *api) submit(token string, form url.Values, headers ...string) answer {
	a.t.Helper()
	headers = append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)
	return do(a.t, request(a.t, http.MethodPost, a.public+"/invite/"+token, form.Encode(), headers...))
}

func choose(password string) url.Values { return url.Values{"password": {password}} }

// sightOf gives what a page shows.
func sightOf(a answer) string {
	_, after, _ := strings.Cut(string(a.body), `<main class="`)
	sight, _, _ := strings.Cut(after, `"`)
	return sight
}

func (a *api) shows(t *testing.T, got answer, status int, sight string, words ...string) {
	t.Helper()
	if got.status != status || sightOf(got) != sight {
		t.Errorf("%d, %q instead of %d, %q: %s", got.status, sightOf(got), status, sight, got.body)
	}
	for _, word := range words {
		if !strings.Contains(string(got.body), word) {
			t.Errorf("%s does not say %q", sight, word)
		}
	}
	if strings.Contains(string(got.body), password) {
		t.Errorf("%s tells the password", sight)
	}
}

func TestPageTellsHowTheInvitationStands(t *testing.T) {
	const login = "https://id.example.com/login"
	a := start(t)
	o := a.invite(object{"email": "ada@example.com", "inviter_name": "Grace <Hopper>", "locale": "de"})
	a.shows(t, a.open(o.Token), 200, "form", `lang="de"`, `value="ada@example.com"`, "Grace &lt;Hopper&gt;", `name="password"`, `data-limit="8"`)
	a.shows(t, a.open(o.Token, "Accept-Language", "en-GB,en;q=0.8"), 200, "form", `lang="en"`, "has invited you")
	a.shows(t, a.open(o.Token+"/"), 200, "form")
	a.shows(t, a.open(strings.Replace(o.Token, o.Token[:1], "%"+hex(o.Token[0]), 1)), 200, "form")
	a.shows(t, a.submit(o.Token, choose("short")), 400, "form", `lang="de"`, "mindestens 8", `aria-invalid="true"`)
	a.shows(t, a.submit(o.Token, choose("\xff\xfe long enough")), 400, "form", `lang="de"`)
	a.shows(t, a.submit(o.Token, choose(password)), 200, "accepted", `lang="de"`, `href="`+login+`"`)
	a.shows(t, a.open(o.Token), 410, "done", `href="`+login+`"`)
	a.shows(t, a.submit(o.Token, choose(password)), 410, "done")

	o = a.invite(object{"email": "b@example.com"})
	a.asAdmin(http.MethodPost, "/"+o.ID+"/revoke", nil)
	a.shows(t, a.open(o.Token), 410, "revoked")
	o = a.invite(object{"email": "c@example.com"})
	a.Kratos.ActivateByHand(uuid.MustParse(o.IdentityID), password)
	a.shows(t, a.submit(o.Token, choose(password)), 410, "revoked")
	for _, token := range []string{bridge.MintToken().Reveal(), "x", o.Token + "x", "%00", "a%2Fb"} {
		a.shows(t, a.open(token), 404, "unknown")
		a.shows(t, a.submit(token, choose(password)), 404, "unknown")
	}
	a.shows(t, do(t, request(t, http.MethodGet, a.public+"/invite/", nil)), 404, "unknown")
	a.shows(t, do(t, request(t, http.MethodPut, a.public+"/invite/"+o.Token, nil)), 405, "unavailable")
	if got := do(t, request(t, http.MethodGet, a.admin+"/invite/"+o.Token, nil, "Authorization", "Bearer "+key)); got.status != 404 {
		t.Errorf("the admin listener has the page: %d", got.status)
	}
}

// TestPageWithoutLogin: without a page to sign in at there is no link, but an
// inviter's own place stays.
func TestPageWithoutLogin(t *testing.T) {
	const own, login = "https://app.example.com/start", "https://id.example.com/login"
	allowed, err := bridge.ParseReturnURLs([]string{own})
	if err != nil {
		t.Fatal(err)
	}
	w := bridgetest.New(t, func(c *bridge.Config) { c.ReturnURLs = allowed })
	none := true
	a := startWorld(t, w, func(c *httpapi.Config) { c.NoLogin = func(context.Context) bool { return none } })
	for email, to := range map[string]string{"ada@example.com": "", "bob@example.com": own} {
		body, want := object{"email": email}, "You can sign in now at Example"
		if to != "" {
			body["return_to"], want = to, `href="`+to+`"`
		}
		o := a.invite(body)
		got := a.submit(o.Token, choose(password))
		a.shows(t, got, 200, "accepted", want)
		got = a.open(o.Token)
		a.shows(t, got, 410, "done", "You can sign in now at Example")
		if strings.Contains(string(got.body), login) {
			t.Errorf("leads to the login that there is not:\n%s", got.body)
		}
	}
	none = false
	a.shows(t, a.open("x"), 404, "unknown", `href="`+login+`"`)
}

// TestPageTooEarly: an account that was deactivated a short time ago can be had
// later, and both browsers and people are told when.
func TestPageTooEarly(t *testing.T) {
	a := start(t)
	id := a.Kratos.Add("left@example.com", true)
	a.Kratos.Deactivate(id)
	o := a.invite(object{"email": "left@example.com", "reactivate": true, "timezone": "Asia/Kolkata"})
	got := a.submit(o.Token, choose(password))
	a.shows(t, got, 409, "early", "after Wednesday, 2\u00a0January 2030, 09:35\u00a0UTC&#43;5:30")
	if wait := got.header.Get("Retry-After"); wait != "3600" {
		t.Errorf("Retry-After: %s", wait)
	}
	a.shows(t, a.submit(o.Token, choose("short")), 400, "form")
	a.shows(t, a.submit(o.Token, choose(password), "Accept-Language", "de"), 409, "early", "ab Mittwoch, 2.\u00a0Januar 2030, 09:35\u00a0Uhr\u00a0(UTC&#43;5:30)")
	a.shows(t, a.open(o.Token), 200, "early", "after Wednesday, 2\u00a0January 2030, 09:35\u00a0UTC&#43;5:30") // before anybody chooses a password
	a.Clock.Advance(time.Hour)
	a.shows(t, a.open(o.Token), 200, "form")
	a.shows(t, a.submit(o.Token, choose(password)), 200, "accepted")
}

// TestPageKnowsUserNames: the page is told what a password is compared with, and
// the preview is not.
func TestPageKnowsUserNames(t *testing.T) {
	a := start(t)
	o := a.invite(object{"email": email, "schema_id": kratostest.MemberSchema, "traits": object{"username": "Lovelace"}})
	a.shows(t, a.open(o.Token), 200, "form", `data-rule="similar"`, `data-identifiers="[&#34;lovelace&#34;]"`)
	a.shows(t, a.submit(o.Token, choose("l0v3l4c3")), 400, "form", "user name", `data-identifiers="[&#34;lovelace&#34;]"`)
	if got := a.asInvitee(http.MethodGet, "/"+o.Token, nil); got.status != http.StatusOK || strings.Contains(string(got.body), "lovelace") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func hex(b byte) string {
	const digits = "0123456789ABCDEF"
	return digits[b>>4:b>>4+1] + digits[b&15:b&15+1]
}

func TestPageLeadsOn(t *testing.T) {
	allowed, err := bridge.ParseReturnURLs([]string{"https://app.example.com/"})
	if err != nil {
		t.Fatal(err)
	}
	const refresh = `<meta http-equiv="refresh"`
	for _, configured := range []bool{false, true} {
		a := startWorld(t, bridgetest.New(t, func(c *bridge.Config) { c.ReturnURLs = allowed }), func(c *httpapi.Config) { c.LeadOn = configured })
		o := a.invite(object{"email": "ada@example.com"})
		if got := a.submit(o.Token, choose(password)); strings.Contains(string(got.body), refresh) != configured {
			t.Errorf("return_to configured %v: %s", configured, got.body)
		}
		o = a.invite(object{"email": "b@example.com", "return_to": "https://app.example.com/in?a=b"})
		a.shows(t, a.submit(o.Token, choose(password)), 200, "accepted", refresh+` content="0;url=https://app.example.com/in?a=b"`)
	}
}

// TestPageRenews: whatever the token is, the answer is one and the same; a
// letter goes out for an expired invitation only, and once per cooldown.
func TestPageRenews(t *testing.T) {
	a := start(t)
	letters := func() int { return len(a.Told(t, bridge.EndpointCourier)) }
	renew := url.Values{"renew": {"1"}}
	api := func(token string) answer {
		return do(t, request(t, http.MethodPost, a.public+base+"/"+token+"/renew", nil))
	}
	pending := a.invite(object{"email": "pending@example.com"})
	expired := a.invite(object{"email": "ada@example.com", "expires_in": "1h"})
	also := a.invite(object{"email": "b@example.com", "expires_in": "1h"})
	a.Clock.Advance(2 * time.Hour)
	before := letters()
	page, answered := a.submit(pending.Token, renew), api(pending.Token)
	a.shows(t, page, 200, "renewed")
	if answered.status != http.StatusAccepted || string(answered.body) != "{\"state\":\"sent_email\"}\n" {
		t.Errorf("%d %s", answered.status, answered.body)
	}
	for _, token := range []string{strings.Repeat("A", 21) + "B", bridge.MintToken().Reveal(), expired.Token, expired.Token, also.Token} {
		if token == also.Token {
			a.shows(t, a.open(token), 410, "expired", `name="renew"`)
		}
		for _, got := range []struct{ got, want answer }{{a.submit(token, renew), page}, {api(token), answered}} {
			if got.got.status != got.want.status || string(got.got.body) != string(got.want.body) {
				t.Errorf("%d %s", got.got.status, got.got.body)
			}
		}
	}
	if n := letters() - before; n != 2 {
		t.Errorf("%d letters", n)
	}
	a.Kratos.Down()
	a.Clock.Advance(48 * time.Hour)
	a.shows(t, a.submit(expired.Token, renew), 503, "unavailable")

	mute := startWorld(t, bridgetest.New(t, func(c *bridge.Config) { c.Endpoints = nil }))
	o := mute.invite(object{"email": "ada@example.com"})
	mute.Clock.Advance(48 * time.Hour)
	if got := mute.open(o.Token); sightOf(got) != "expired" || strings.Contains(string(got.body), `name="renew"`) {
		t.Errorf("it offers what it cannot do: %s", got.body)
	}
}

// TestPageScanners: programs that open every link of a letter, and send every
// form that they find, cost nothing.
func TestPageScanners(t *testing.T) {
	a := start(t)
	o := a.invite(object{"email": "ada@example.com"})
	visits := []func() answer{
		func() answer { return a.open(o.Token) },
		func() answer { return a.open(o.Token, "Sec-Purpose", "prefetch", "Purpose", "prefetch") },
		func() answer { return do(t, request(t, http.MethodHead, a.public+"/invite/"+o.Token, nil)) },
		func() answer { return do(t, request(t, http.MethodOptions, a.public+"/invite/"+o.Token, nil)) },
		func() answer { return a.submit(o.Token, nil) },
		func() answer { return a.submit(o.Token, url.Values{"username": {"ada@example.com"}, "password": {""}}) },
		func() answer { return do(t, request(t, http.MethodPost, a.public+"/invite/"+o.Token, nil)) },
	}
	var wg sync.WaitGroup
	for i := range 100 {
		for _, visit := range visits {
			wg.Go(func() {
				if got := visit(); got.status >= 500 {
					t.Errorf("visit %d: %d", i, got.status)
				}
			})
		}
	}
	wg.Wait()
	before := a.asAdmin(http.MethodGet, "/"+o.ID, nil)
	if !strings.Contains(string(before.body), `"state":"pending"`) || a.Kratos.Puts() != 0 || len(a.Told(t, bridge.EndpointCourier)) != 1 {
		t.Errorf("%s, %d PUTs", before.body, a.Kratos.Puts())
	}
	a.shows(t, a.submit(o.Token, choose(password)), 200, "accepted")
}

// waiting is a hook that answers once the store was asked again: by a second
// request, for the first one waits here.
type waiting struct{ asked chan struct{} }

func (h waiting) Ask(ctx context.Context, p bridge.Payload) error {
	if p.Type != bridge.EventPrePassword {
		return nil
	}
	select {
	case <-h.asked:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestPageClickedTwice: a browser shows the answer to the second click only.
func TestPageClickedTwice(t *testing.T) {
	hook := waiting{make(chan struct{})}
	w := bridgetest.New(t, func(c *bridge.Config) { c.Hooks = hook })
	a := startWorld(t, w)
	o := a.invite(object{"email": "ada@example.com"})
	var calls atomic.Int32
	w.Store.OnCall(func() {
		// The first click expires what is due, looks, and claims; the second one
		// has tried to claim when the seventh call comes.
		if calls.Add(1) == 7 {
			close(hook.asked)
		}
	})
	sights := make(chan string, 2)
	for range 2 {
		go func() { sights <- sightOf(a.submit(o.Token, choose(password))) }()
	}
	both := []string{<-sights, <-sights}
	if slices.Sort(both); !slices.Equal(both, []string{"accepted", "done"}) {
		t.Errorf("the two clicks show %v", both)
	}
	if a.Kratos.Puts() != 1 {
		t.Errorf("%d PUTs", a.Kratos.Puts())
	}
}

// TestPageLimits: who asks too often hears so, whatever the token is.
func TestPageLimits(t *testing.T) {
	a := start(t, func(c *httpapi.Config) { c.RateLimit = httpapi.RateLimit{Requests: 1, Window: time.Hour} })
	expired := a.invite(object{"email": "ada@example.com"})
	a.Clock.Advance(25 * time.Hour)
	pending := a.invite(object{"email": "b@example.com"})
	a.shows(t, a.submit(expired.Token, url.Values{"renew": {"1"}}), 200, "renewed")
	for token, sight := range map[string]string{expired.Token: "unavailable", "x": "unavailable", pending.Token: "form"} {
		got := a.submit(token, url.Values{"renew": {"1"}})
		a.shows(t, got, 429, sight)
		if got.header.Get("Retry-After") == "" {
			t.Error("it does not say when to come back")
		}
	}
	if log := a.log.String(); strings.Count(log, `"error_id":"too_many_requests"`) != 3 {
		t.Error(log)
	}
}

// TestPageSpeaksAsTheInvitationDoes, where the browser asks for what there is
// not, also of an invitation that is over.
func TestPageSpeaksAsTheInvitationDoes(t *testing.T) {
	a := start(t)
	french := []string{"Accept-Language", "fr"}
	o := a.invite(object{"email": "ada@example.com", "locale": "de"})
	a.shows(t, a.open(o.Token, french...), 200, "form", `lang="de"`)
	a.Clock.Advance(25 * time.Hour)
	a.shows(t, a.open(o.Token, french...), 410, "expired", `lang="de"`)
	a.shows(t, a.submit(o.Token, url.Values{"renew": {"1"}}, french...), 200, "renewed", `lang="de"`)
	a.shows(t, a.open("x", french...), 404, "unknown", `lang="en"`, "https://id.example.com/login")
}

// TestPageLeft: a client that goes, or does not finish, is no failure of the
// bridge's.
func TestPageLeft(t *testing.T) {
	a := start(t, func(c *httpapi.Config) { c.BasePath = "/elsewhere" }) // half an answer is none to judge
	var o offer
	do(t, request(t, http.MethodPost, a.admin+"/elsewhere/", object{"email": "ada@example.com"}, "Authorization", "Bearer "+key)).into(t, &o)
	ctx, cancel := context.WithCancel(t.Context())
	body, rest := io.Pipe()
	r := request(t, http.MethodPost, a.public+"/invite/"+o.Token, nil, "Content-Type", "application/x-www-form-urlencoded").WithContext(ctx)
	r.Body = body
	go func() {
		_, _ = rest.Write([]byte("password="))
		cancel()
		_ = rest.CloseWithError(context.Canceled)
	}()
	if res, err := http.DefaultTransport.RoundTrip(r); err == nil {
		_ = res.Body.Close()
	}
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(a.log.String(), `"method":"POST","route":"/invite/{token}"`); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it was not noticed")
		}
	}
	if log := a.log.String(); strings.Contains(log, `"level":"ERROR"`) || strings.Contains(log, "store_unavailable") {
		t.Error(log)
	}
	a.shows(t, a.submit(o.Token, url.Values{"password": {"\xff\xfe-not-UTF-8"}}), 400, "form")
	if a.Kratos.Puts() != 0 {
		t.Error("Kratos was asked")
	}
}
