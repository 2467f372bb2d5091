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

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/testenv"
)

// TestPageRenew: the response is the same for every token. An email is sent only
// for an expired invitation, and once per cooldown.
func TestPageRenew(t *testing.T) {
	a := start(t)
	emails := func() int { return len(a.EventsFor(t, bridge.EndpointCourier)) }
	renew := url.Values{"renew": {"1"}}
	api := func(token string) answer {
		return do(t, request(t, http.MethodPost, a.public+base+"/"+token+"/renew", nil))
	}
	pending := a.invite(object{"email": "pending@example.com"})
	expired := a.invite(object{"email": "ada@example.com", "expires_in": "1h"})
	also := a.invite(object{"email": "b@example.com", "expires_in": "1h"})
	a.Clock.Advance(2 * time.Hour)
	before := emails()
	page, response := a.submit(pending.Token, renew), api(pending.Token)
	a.wantScreen(t, page, 200, "renewed")
	if response.status != http.StatusAccepted || string(response.body) != "{\"state\":\"sent_email\"}\n" {
		t.Errorf("%d %s", response.status, response.body)
	}
	for _, token := range []string{strings.Repeat("A", 21) + "B", bridge.MintToken().Reveal(), expired.Token, expired.Token, also.Token} {
		if token == also.Token {
			a.wantScreen(t, a.open(token), 410, "expired", `name="renew"`)
		}
		for _, got := range []struct{ got, want answer }{{a.submit(token, renew), page}, {api(token), response}} {
			if got.got.status != got.want.status || string(got.got.body) != string(got.want.body) {
				t.Errorf("%d %s", got.got.status, got.got.body)
			}
		}
	}
	if n := emails() - before; n != 2 {
		t.Errorf("%d emails", n)
	}
	a.Kratos.Down()
	a.Clock.Advance(48 * time.Hour)
	a.wantScreen(t, a.submit(expired.Token, renew), 503, "unavailable")

	mute := startWith(t, bridgetest.New(t, func(c *bridge.Config) { c.EndpointsFor = nil }))
	o := mute.invite(object{"email": "ada@example.com"})
	mute.Clock.Advance(48 * time.Hour)
	if got := mute.open(o.Token); screenOf(got) != "expired" || strings.Contains(string(got.body), `name="renew"`) {
		t.Errorf("the page offers to renew without a courier: %s", got.body)
	}
}

// TestPageScanners: mail scanners that open every link in an email, and submit
// every form without a password, change nothing.
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
	if !strings.Contains(string(before.body), `"state":"pending"`) || a.Kratos.Puts() != 0 || len(a.EventsFor(t, bridge.EndpointCourier)) != 1 {
		t.Errorf("%s, %d PUTs", before.body, a.Kratos.Puts())
	}
	a.wantScreen(t, a.submit(o.Token, passwordForm(password)), 200, "accepted")
}

// blockingHook is a hook that responds after release is closed.
type blockingHook struct{ release chan struct{} }

func (h blockingHook) Ask(ctx context.Context, _ string, p bridge.Payload) error {
	return h.Call(ctx, p)
}

func (h blockingHook) Call(ctx context.Context, p bridge.Payload) error {
	if p.Type != bridge.EventPrePassword {
		return nil
	}
	select {
	case <-h.release:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestPageDoubleSubmit: after a double click the browser shows only the second
// response, so that must show the outcome of the first request.
func TestPageDoubleSubmit(t *testing.T) {
	hook := blockingHook{make(chan struct{})}
	w := bridgetest.New(t, func(c *bridge.Config) { c.Hooks = hook })
	a := startWith(t, w)
	o := a.invite(object{"email": "ada@example.com"})
	var calls atomic.Int32
	w.Store.OnCall(func() {
		// The first submit expires what is due, reads and claims. When the seventh
		// call comes, the second submit has tried to claim.
		if calls.Add(1) == 7 {
			close(hook.release)
		}
	})
	screens := make(chan string, 2)
	for range 2 {
		go func() { screens <- screenOf(a.submit(o.Token, passwordForm(password))) }()
	}
	both := []string{<-screens, <-screens}
	if slices.Sort(both); !slices.Equal(both, []string{"accepted", "done"}) {
		t.Errorf("the two submits show %v", both)
	}
	if a.Kratos.Puts() != 1 {
		t.Errorf("%d PUTs", a.Kratos.Puts())
	}
}

// TestPageLimits: a rate-limited client gets 429, whatever the token is.
func TestPageLimits(t *testing.T) {
	a := start(t, func(c *httpapi.Config) { c.RateLimit = httpapi.RateLimit{Requests: 1, Window: time.Hour} })
	expired := a.invite(object{"email": "ada@example.com"})
	a.Clock.Advance(25 * time.Hour)
	pending := a.invite(object{"email": "b@example.com"})
	a.wantScreen(t, a.submit(expired.Token, url.Values{"renew": {"1"}}), 200, "renewed")
	for token, screen := range map[string]string{expired.Token: "unavailable", "x": "unavailable", pending.Token: "form"} {
		got := a.submit(token, url.Values{"renew": {"1"}})
		a.wantScreen(t, got, 429, screen)
		if got.header.Get("Retry-After") == "" {
			t.Error("Retry-After is missing")
		}
	}
	if log := a.log.String(); strings.Count(log, `"error_id":"too_many_requests"`) != 3 {
		t.Error(log)
	}
}

// TestPageClientDisconnects: a client that disconnects before its body is complete
// is not logged as a failure of the bridge.
func TestPageClientDisconnects(t *testing.T) {
	a := start(t, func(c *httpapi.Config) { c.BasePath = "/elsewhere" }) // an unfinished response cannot be checked
	var o issuedInvitation
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
	for deadline := time.Now().Add(testenv.Limit); !strings.Contains(a.log.String(), `"method":"POST","route":"/invite/{token}"`); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the request was not logged")
		}
	}
	if log := a.log.String(); strings.Contains(log, `"level":"ERROR"`) || strings.Contains(log, "store_unavailable") {
		t.Error(log)
	}
	a.wantScreen(t, a.submit(o.Token, url.Values{"password": {"\xff\xfe-not-UTF-8"}}), 400, "form")
	if a.Kratos.Puts() != 0 {
		t.Error("Kratos was called")
	}
}
