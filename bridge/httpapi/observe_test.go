package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"invitebridge/bridge/httpapi"
)

// observer records its calls.
type observer struct {
	mu      sync.Mutex
	seen    []httpapi.RequestRecord
	remotes []http.Header
	ended   []httpapi.RequestRecord
}

func (o *observer) observe(x httpapi.RequestRecord) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, x)
}

func (o *observer) trace(ctx context.Context, remote http.Header) (context.Context, string, func(httpapi.RequestRecord)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.remotes = append(o.remotes, remote)
	return ctx, fmt.Sprint("trace-", len(o.remotes)), func(x httpapi.RequestRecord) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.ended = append(o.ended, x)
	}
}

// TestObserve: each request is reported once to the log, to Observe and to its
// trace, with the route pattern and without text chosen by the client.
func TestObserve(t *testing.T) {
	var o observer
	a := start(t, func(c *httpapi.Config) { c.Observe, c.Trace = o.observe, o.trace })
	issued := a.invite(object{"email": email})
	a.asInvitee(http.MethodGet, "/"+issued.Token, nil)
	a.asInvitee(http.MethodHead, "/"+issued.Token, nil)
	a.asInvitee(http.MethodPost, "/"+issued.Token, object{"password": password})
	a.asInvitee(http.MethodGet, "/"+issued.Token, nil)
	a.asInvitee(http.MethodDelete, "/"+issued.Token, nil)
	a.asInvitee("BREW", "/"+issued.Token, nil)
	a.asInvitee(http.MethodGet, "/"+issued.Token+"/else", nil)
	do(t, request(t, http.MethodGet, a.public+"/"+issued.Token, nil))
	do(t, request(t, http.MethodGet, a.admin+base+"/"+issued.ID, nil))
	a.asAdmin(http.MethodGet, "/"+issued.ID, nil)
	a.asAdmin(http.MethodGet, "/a/b/c", nil)

	const byToken, byID = base + "/{token}", base + "/{id}"
	want := []httpapi.RequestRecord{
		{Listener: "admin", Method: "POST", Route: base, Status: 201},
		{Listener: "public", Method: "GET", Route: byToken, Status: 200},
		{Listener: "public", Method: "HEAD", Route: byToken, Status: 200},
		{Listener: "public", Method: "POST", Route: byToken, Status: 200},
		{Listener: "public", Method: "GET", Route: byToken, Status: 410},
		{Listener: "public", Method: "DELETE", Route: "", Status: 405},
		{Listener: "public", Method: "other", Route: "", Status: 405},
		{Listener: "public", Method: "GET", Route: "", Status: 404},
		{Listener: "public", Method: "GET", Route: "", Status: 404},
		{Listener: "admin", Method: "GET", Route: "", Status: 401},
		{Listener: "admin", Method: "GET", Route: byID, Status: 200},
		{Listener: "admin", Method: "GET", Route: "", Status: 404},
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if diff := cmp.Diff(want, o.seen, cmpopts.IgnoreFields(httpapi.RequestRecord{}, "Took")); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(o.seen, o.ended); diff != "" {
		t.Errorf("spans ended with other records (-observed +ended):\n%s", diff)
	}
	if n := strings.Count(a.log.String(), `"trace_id":"trace-`); n != len(want) {
		t.Errorf("%d log lines have a trace id, want %d", n, len(want))
	}
}

// TestTraceTrust: the trace context of a request is accepted from trusted proxies
// and holders of an API key only.
func TestTraceTrust(t *testing.T) {
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for _, proxied := range []bool{false, true} {
		var o observer
		a := start(t, func(c *httpapi.Config) {
			c.Trace = o.trace
			if proxied {
				c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
			}
		})
		do(t, request(t, http.MethodGet, a.public+"/version", nil, "Traceparent", parent))
		do(t, request(t, http.MethodGet, a.admin+base+"/", nil, "Traceparent", parent, "Authorization", "Bearer "+key))
		do(t, request(t, http.MethodGet, a.admin+base+"/", nil, "Traceparent", parent, "Authorization", "Bearer wrong"))
		var got []bool
		for _, remote := range o.remotes {
			got = append(got, remote.Get("Traceparent") == parent)
		}
		if diff := cmp.Diff([]bool{proxied, true, false}, got); diff != "" {
			t.Errorf("behind a proxy %v, accepted (-want +got):\n%s", proxied, diff)
		}
	}
}

// TestMetricsRoute: the route requires an API key, and exists only if a handler is
// configured.
func TestMetricsRoute(t *testing.T) {
	served := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = w.Write([]byte("metrics\n"))
	})
	for name, c := range map[string]struct {
		metrics       http.Handler
		authorization string
		want          int
	}{
		"with a key":     {served, "Bearer " + key, http.StatusOK},
		"without a key":  {served, "", http.StatusUnauthorized},
		"wrong key":      {served, "Bearer else", http.StatusUnauthorized},
		"not configured": {nil, "Bearer " + key, http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			a := start(t, func(config *httpapi.Config) {
				config.Metrics = c.metrics
				if c.metrics == nil {
					config.BasePath = "/unchecked" // the document has the route
				}
			})
			got := do(t, request(t, http.MethodGet, a.admin+"/metrics/prometheus", nil, "Authorization", c.authorization))
			if got.status != c.want || (got.status == http.StatusOK) != (string(got.body) == "metrics\n") {
				t.Errorf("got %d %s", got.status, got.body)
			}
			if public := do(t, request(t, http.MethodGet, a.public+"/metrics/prometheus", nil, "Authorization", c.authorization)); public.status != http.StatusNotFound {
				t.Errorf("the public listener responds with %d", public.status)
			}
		})
	}
}
