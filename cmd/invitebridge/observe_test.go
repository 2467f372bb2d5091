package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"invitebridge/bridge/mail/mailtest"
	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

// recordingProxy is a proxy to Kratos that records the headers of requests.
type recordingProxy struct {
	*httptest.Server
	mu   sync.Mutex
	seen []http.Header
}

func newRecordingProxy(t testing.TB, kratos string) *recordingProxy {
	t.Helper()
	target, err := url.Parse(kratos)
	if err != nil {
		t.Fatal(err)
	}
	p, proxy := &recordingProxy{}, httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.seen = append(p.seen, r.Header.Clone())
		p.mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

// take returns the trace contexts received since the last call.
func (p *recordingProxy) take() (parents []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.seen {
		parents = append(parents, h.Get("Traceparent"))
	}
	p.seen = nil
	return parents
}

// scrape returns the value of each series of the bridge.
func (b *running) scrape() map[string]string {
	b.t.Helper()
	a := b.call(http.MethodGet, b.admin+"/metrics/prometheus", nil, "Authorization", "Bearer "+key)
	if a.status != http.StatusOK {
		b.t.Fatalf("%d %s", a.status, a.text)
	}
	series := make(map[string]string)
	for line := range strings.Lines(a.text) {
		if at := strings.LastIndexByte(line, ' '); strings.HasPrefix(line, "invitebridge_") {
			series[line[:at]] = strings.TrimSpace(line[at:])
		}
	}
	return series
}

// expect waits for values, because messages and sweeps are asynchronous.
func (b *running) expect(want map[string]string) {
	b.t.Helper()
	var got map[string]string
	for deadline := time.Now().Add(testenv.Limit); ; time.Sleep(20 * time.Millisecond) {
		series := b.scrape()
		got = make(map[string]string)
		for name := range want {
			got[name] = series[name]
		}
		if maps.Equal(got, want) {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("metrics (-want +got):\n%s", cmp.Diff(want, got))
		}
	}
}

// TestMetrics runs invitations through every outcome and checks the counters.
func TestMetrics(t *testing.T) {
	kratos, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kratos.Close)
	proxy := newRecordingProxy(t, kratos.URL)
	mailbox, err := mailtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mailbox.Stop)
	crm, gate := newHookReceiver(t), newHookReceiver(t)
	gate.Answer(func(e hookEvent, w http.ResponseWriter) bool {
		if e.email == "refused@example.com" {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"messages":[{"instance_ptr":"#/traits/email","messages":[{"id":4900001,"text":"No seat is left.","type":"error"}]}]}`)
		}
		return e.email == "refused@example.com"
	})
	b := startAgainst(t, kratos.URL, proxy.URL, fmt.Sprintf(`
courier: { smtp: { connection_uri: "%s", from_address: bridge@example.com } }
hooks:
  - { id: crm, url: "%s/?key=CANARY", secrets: [ %s ], events: [ post_password_creation, invitation_revoked, invitation_expired ] }
  - { id: gate, url: %s, secrets: [ %s ], can_interrupt: true, events: [ pre_invitation_creation ] }
`, mailbox.URI(), crm.URL, hookSecret, gate.URL, hookSecret))

	secrets := []string{password, key, hookSecret, "CANARY", "example.com"}
	invite := func(email string, more object) object {
		body := object{"email": email}
		maps.Copy(body, more)
		issued := b.invite(body)
		secrets = append(secrets, token(issued), issued["id"].(string), issued["identity_id"].(string))
		return issued
	}
	ada := invite("ada@example.com", nil)
	invite("ada@example.com", nil)
	for _, path := range []string{token(ada), token(ada), "no-such-token-" + token(ada), token(ada) + "/else"} {
		b.call(http.MethodGet, b.public+base+"/"+path, nil)
	}
	b.call(http.MethodHead, b.public+base+"/"+token(ada)+"?t="+token(ada), nil)
	b.accept(token(ada), "short")
	if a := b.accept(token(ada), password); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.text)
	}
	bob := invite("bob@example.com", nil)
	awaitSent := func(n string) { b.expect(map[string]string{"invitebridge_invitations_sent_total": n}) }
	awaitSent("2")
	b.asAdmin(http.MethodPost, "/"+bob["id"].(string)+"/revoke", nil)
	b.asAdmin(http.MethodPost, "/"+bob["id"].(string)+"/revoke", nil)
	invite("cyd@example.com", object{"expires_in": "8s"})
	awaitSent("3")
	mailbox.Refuse(550)
	invite("eve@example.com", nil)
	invite("dee@example.com", object{"notify": false})
	b.asAdmin(http.MethodPost, "/", object{"email": "refused@example.com"})
	kratos.Down()
	b.asAdmin(http.MethodPost, "/", object{"email": "down@example.com"})
	b.call(http.MethodGet, b.admin+"/metrics/prometheus", nil)

	const route = `listener="public",method="GET",route="/api/v1/invite/{token}"`
	b.expect(map[string]string{
		"invitebridge_invitations_created_total":                                                                         "5",
		"invitebridge_invitations_sent_total":                                                                            "3",
		"invitebridge_invitations_opened_total":                                                                          "3",
		"invitebridge_invitations_accepted_total":                                                                        "1",
		"invitebridge_invitations_expired_total":                                                                         "1",
		"invitebridge_invitations_revoked_total":                                                                         "1",
		"invitebridge_invitations_pending":                                                                               "2",
		`invitebridge_invitation_acceptance_seconds_bucket{le="60"}`:                                                     "1",
		"invitebridge_outbox_messages":                                                                                   "0",
		"invitebridge_outbox_oldest_age_seconds":                                                                         "0",
		"invitebridge_outbox_given_up_total":                                                                             "1",
		`invitebridge_outbox_attempts_total{endpoint="courier",outcome="sent"}`:                                          "3",
		`invitebridge_outbox_attempts_total{endpoint="crm",outcome="sent"}`:                                              "3",
		`invitebridge_outbox_attempts_total{endpoint="courier",outcome="failed"}`:                                        "1",
		`invitebridge_hook_questions_total{event="pre_invitation_creation",outcome="ok"}`:                                "6",
		`invitebridge_hook_questions_total{event="pre_invitation_creation",outcome="refused"}`:                           "1",
		`invitebridge_kratos_calls_total{method="create",outcome="ok"}`:                                                  "5",
		`invitebridge_kratos_calls_total{method="create",outcome="unknown"}`:                                             "1",
		`invitebridge_kratos_calls_total{method="activate",outcome="ok"}`:                                                "1",
		`invitebridge_kratos_call_duration_seconds_count{method="create"}`:                                               "6",
		`invitebridge_http_requests_total{code="200",` + route + `}`:                                                     "2",
		`invitebridge_http_requests_total{code="404",` + route + `}`:                                                     "1",
		`invitebridge_http_requests_total{code="404",listener="public",method="GET",route="unmatched"}`:                  "1",
		`invitebridge_http_requests_total{code="401",listener="admin",method="GET",route="unmatched"}`:                   "1",
		`invitebridge_http_requests_total{code="503",listener="admin",method="POST",route="/api/v1/invite"}`:             "1",
		`invitebridge_http_request_duration_seconds_count{` + route + `}`:                                                "3",
		`invitebridge_http_requests_total{code="200",listener="admin",method="POST",route="/api/v1/invite/{id}/revoke"}`: "2",
		"invitebridge_store_readable":                                                                                    "1",
		"invitebridge_store_commit_failures_total":                                                                       "0",
	})
	series := b.scrape()
	for _, name := range []string{"invitebridge_store_size_bytes", "invitebridge_store_free_bytes", "invitebridge_store_commit_duration_seconds_count"} {
		if value := series[name]; value == "" || value == "0" {
			t.Errorf("%s is %q", name, value)
		}
	}
	text := b.call(http.MethodGet, b.admin+"/metrics/prometheus", nil, "Authorization", "Bearer "+key).text
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("the metrics contain %q", secret)
		}
	}
	if parents := proxy.take(); len(parents) == 0 || slices.ContainsFunc(parents, func(p string) bool { return p != "" }) {
		t.Errorf("without tracing, Kratos was sent %q", parents)
	}
	if log := b.log.String(); strings.Contains(log, "trace_id") {
		t.Error("without tracing, the log has trace ids")
	}
	assertDocumented(t, b.log.String())
	assertBounded(t, b)
}

// assertBounded sends a thousand values of everything that clients control, and
// checks that this creates no new series.
func assertBounded(t *testing.T, b *running) {
	t.Helper()
	flood := func(n int) {
		for i := range n {
			made := fmt.Sprint("made-up-", i)
			for _, listener := range []string{b.public, b.admin} {
				for _, r := range [][2]string{
					{http.MethodGet, "/" + made}, {http.MethodGet, base + "/" + made}, {http.MethodPost, base + "/" + made + "/" + made},
					{strings.ToUpper(made), base + "/x"}, {strings.ToUpper(made), "/" + made},
				} {
					request, err := http.NewRequestWithContext(t.Context(), r[0], listener+r[1]+"?"+made, nil)
					if err != nil {
						t.Fatal(err)
					}
					request.Host = made + ".example.com"
					request.Header.Set("Authorization", "Bearer "+key)
					request.Header.Set("User-Agent", made)
					request.Header.Set("X-Forwarded-For", fmt.Sprintf("10.0.%d.%d", i/256, i%256))
					res, err := client.Do(request)
					if err != nil {
						t.Fatal(err)
					}
					res.Body.Close()
				}
			}
		}
	}
	flood(1)
	before := slices.Sorted(maps.Keys(b.scrape()))
	flood(1000)
	if diff := cmp.Diff(before, slices.Sorted(maps.Keys(b.scrape()))); diff != "" || len(before) < 100 {
		t.Errorf("%d series, and then (-before +after):\n%s", len(before), diff)
	}
}
