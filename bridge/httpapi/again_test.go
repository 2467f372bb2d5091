package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/testenv"
)

// linkRequests drives the operations that request a new link by address.
func (d *driver) linkRequests(t *testing.T) {
	w := d.start(t)
	w.want("requestLink", http.StatusAccepted, "", object{"email": email})
	w.want("showLinkRequest", http.StatusOK, "", nil)
	w.want("submitLinkRequest", http.StatusOK, "", w.body("submitLinkRequest"))
	w.want("submitLinkRequest", http.StatusBadRequest, "", "email=x")
	w.want("submitLinkRequest", http.StatusBadRequest, "", "%zz")
	w.want("submitLinkRequest", http.StatusRequestEntityTooLarge, "", strings.Repeat("a", 64<<10+1))
	if got := do(t, request(t, http.MethodPost, w.public+"/invite/again", "email=x", "Content-Type", "text/plain")); got.status != http.StatusUnsupportedMediaType {
		t.Errorf("%d", got.status)
	}
	w = d.start(t, func(c *bridge.Config) { c.Renew = false })
	w.want("showLinkRequest", http.StatusNotFound, "", nil)
	w.want("submitLinkRequest", http.StatusNotFound, "", w.body("submitLinkRequest"))
	a := startWith(t, bridgetest.New(t), func(c *httpapi.Config) { c.RateLimit = httpapi.RateLimit{Requests: 1, Window: time.Hour} })
	d.checkers = append(d.checkers, a.checker)
	w = &scenario{api: a}
	w.want("submitLinkRequest", http.StatusOK, "", w.body("submitLinkRequest"))
	w.want("submitLinkRequest", http.StatusTooManyRequests, "", w.body("submitLinkRequest"))
}

// askPage and askAPI request a new link.
func (a *api) askPage(email string) answer {
	a.t.Helper()
	return a.submit("again", url.Values{"email": {email}})
}

func (a *api) askAPI(body any) answer {
	a.t.Helper()
	return do(a.t, request(a.t, http.MethodPost, a.public+base+"/again", body))
}

// sendLinks handles the requests for a new link until the test ends.
func (a *api) sendLinks() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { a.handlers.SendLinks(ctx); close(done) }()
	stop = func() { cancel(); <-done }
	a.t.Cleanup(stop)
	return stop
}

// shown is what a client sees of an answer, but for the id of the request and the date.
func shown(a answer) string {
	header := a.header.Clone()
	header.Del("X-Request-Id")
	header.Del("Date")
	return fmt.Sprintf("%d\n%v\n%s", a.status, header, a.body)
}

// TestAgain_sameAnswer: the answer is the same, byte by byte, whether or not an
// address is invited. Only who is invited gets an email, and it goes to that address.
func TestAgain_sameAnswer(t *testing.T) {
	a := start(t)
	for _, name := range []string{"pending", "expired", "accepted", "revoked"} {
		body := object{"email": name + "@example.com"}
		if name == "expired" {
			body["expires_in"] = "1h"
		}
		o := a.invite(body)
		switch name {
		case "accepted":
			a.wantScreen(t, a.submit(o.Token, passwordForm(password)), 200, "accepted")
		case "revoked":
			a.asAdmin(http.MethodPost, "/"+o.ID+"/revoke", nil)
		}
	}
	a.Clock.Advance(2 * time.Hour)
	before := len(a.EventsFor(t, bridge.EndpointCourier))
	a.sendLinks()
	page, response := a.askPage("unknown@example.com"), a.askAPI(object{"email": "unknown@example.com"})
	a.wantScreen(t, page, 200, "asked")
	if response.status != http.StatusAccepted || string(response.body) != "{\"state\":\"sent_email\"}\n" {
		t.Errorf("%d %s", response.status, response.body)
	}
	for _, name := range []string{"accepted", "revoked", "pending", "expired", "pending", "expired"} {
		for _, address := range []string{name + "@example.com", " " + strings.ToUpper(name) + "@Example.com"} {
			if got := a.askPage(address); shown(got) != shown(page) {
				t.Errorf("%s: %s\nwant %s", address, shown(got), shown(page))
			}
			if got := a.askAPI(object{"email": address}); shown(got) != shown(response) {
				t.Errorf("%s: %s\nwant %s", address, shown(got), shown(response))
			}
		}
	}
	testenv.Eventually(t, "the emails", func() bool { return len(a.EventsFor(t, bridge.EndpointCourier)) == before+2 })
	testenv.Eventually(t, "the queue is empty", func() bool { n, _ := a.handlers.LinkRequests(); return n == 0 })
	if log := a.log.String(); strings.Contains(strings.ToLower(log), "@example.com") {
		t.Errorf("the log has an address: %s", log)
	}
}

// TestAgain_page: the form in both languages, and what is wrong with an address.
func TestAgain_page(t *testing.T) {
	a := start(t)
	a.wantScreen(t, a.open("again"), 200, "again", `lang="en"`, `name="email"`, `method="post"`)
	a.wantScreen(t, a.open("again/", "Accept-Language", "de"), 200, "again", `lang="de"`, "Neuen Link senden")
	got := a.askPage(`"><script>x@`)
	a.wantScreen(t, got, 400, "again", `value="&#34;&gt;&lt;script&gt;x@"`, `aria-invalid="true"`, "complete email address")
	a.wantScreen(t, do(t, request(t, http.MethodPut, a.public+"/invite/again", nil)), 405, "unavailable")
	for _, body := range []any{object{}, object{"email": "x"}, object{"email": email, "x": 1}, "{", object{"email": 7}} {
		if got := a.askAPI(body); got.status != http.StatusBadRequest {
			t.Errorf("%v: %d %s", body, got.status, got.body)
		}
	}
	if n, _ := a.handlers.LinkRequests(); n != 0 {
		t.Errorf("%d requests wait", n)
	}
}

// TestAgain_off: without renewal the paths are like any other that do not exist.
func TestAgain_off(t *testing.T) {
	a := startWith(t, bridgetest.New(t, func(c *bridge.Config) { c.Renew = false }))
	unknown, got := a.open("elsewhere"), a.open("again")
	if got.status != unknown.status || string(got.body) != string(unknown.body) {
		t.Errorf("%d %s", got.status, got.body)
	}
	a.wantScreen(t, a.askPage(email), 404, "unknown")
	unknown, got = do(t, request(t, http.MethodPost, a.public+base+"/elsewhere", object{"email": email})), a.askAPI(object{"email": email})
	withoutID := func(x answer) string {
		id, _ := x.member("error", "request")
		return strings.ReplaceAll(string(x.body), fmt.Sprint(id), "")
	}
	if got.status != unknown.status || withoutID(got) != withoutID(unknown) {
		t.Errorf("%d %s\nwant %s", got.status, got.body, unknown.body)
	}
}

// TestAgain_full: requests beyond the queue are dropped, with the same answer. A stop
// drops the rest.
func TestAgain_full(t *testing.T) {
	a := start(t)
	a.invite(object{"email": email})
	first := a.askAPI(object{"email": email})
	for n := range 1000 {
		if got := a.askAPI(object{"email": fmt.Sprintf("someone.%d@example.com", n)}); shown(got) != shown(first) {
			t.Fatal(shown(got))
		}
	}
	if waiting, dropped := a.handlers.LinkRequests(); waiting != 1000 || dropped != 1 {
		t.Errorf("%d requests wait, %d were dropped", waiting, dropped)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a.handlers.SendLinks(ctx)
	if log := a.log.String(); !strings.Contains(log, "too many are waiting") || !strings.Contains(log, `"requests":1000`) || strings.Contains(log, email) {
		t.Error("the log does not say that requests were dropped, or has an address")
	}
	a.sendLinks()
	testenv.Eventually(t, "the queue is empty", func() bool { n, _ := a.handlers.LinkRequests(); return n == 0 })
}

// TestAgain_outage: an outage is logged, without the address, and ends nothing.
func TestAgain_outage(t *testing.T) {
	a := start(t)
	a.invite(object{"email": email})
	a.Clock.Advance(time.Hour)
	stop := a.sendLinks()
	a.Kratos.Down()
	a.askAPI(object{"email": email})
	testenv.Eventually(t, "the log", func() bool { return strings.Contains(a.log.String(), "a requested link could not be sent") })
	if err := a.Kratos.Up(); err != nil {
		t.Fatal(err)
	}
	a.CloseIdleConnections()
	a.askAPI(object{"email": email})
	testenv.Eventually(t, "the emails", func() bool { return len(a.EventsFor(t, bridge.EndpointCourier)) == 2 })
	stop()
	if strings.Contains(a.log.String(), email) {
		t.Error("the log has the address")
	}
}
