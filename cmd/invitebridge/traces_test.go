package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"invitebridge/bridge/testenv"
	"invitebridge/bridge/tracing/tracingtest"
	"invitebridge/kratos/kratostest"
)

// TestTraces: a request has a span with the calls to Kratos below it, and Kratos
// gets the trace context. On the public listener, a client's trace context is
// ignored.
func TestTraces(t *testing.T) {
	const theirs, header = "4bf92f3577b34da6a3ce929d0e0e4736", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	kratos := kratostest.Shared(t)
	proxy, collector := newRecordingProxy(t, kratos.AdminURL), tracingtest.New(t, nil)
	crm := newHookReceiver(t)
	b := startAgainst(t, kratos.PublicURL, proxy.URL, fmt.Sprintf(`
tracing: { provider: otel, deployment_environment: tests, providers: { otlp: { server_url: "%s", insecure: true, authorization_header: Bearer CANARY } } }
hooks: [ { id: crm, url: "%s/?key=CANARY", secrets: [ %s ], events: [ post_password_creation ] } ]
`, collector.Server, crm.URL, hookSecret))
	const email = "traced@example.com"
	a := b.call(http.MethodPost, b.admin+base+"/", object{"email": email}, "Authorization", "Bearer "+key, "Traceparent", header)
	if a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.text)
	}
	created := proxy.take()
	b.call(http.MethodGet, b.public+base+"/"+token(a.body)+"?a="+token(a.body), nil, "Traceparent", header)
	proxy.take()
	if got := b.call(http.MethodPost, b.public+base+"/"+token(a.body), object{"password": password}, "Traceparent", header); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.text)
	}
	activated := proxy.take()
	crm.await("post_password_creation", email)
	if code := b.stop(); code != exitOK {
		t.Errorf("exit code %d\n%s", code, b.log)
	}
	if err := kratos.SignIn(t.Context(), email, password); err != nil {
		t.Error(err)
	}

	one := func(name string) tracingtest.Span {
		t.Helper()
		named := collector.Named(name)
		if len(named) != 1 {
			t.Fatalf("%d spans %q of %+v", len(named), name, collector.Spans())
		}
		return named[0]
	}
	invited, previewed, accepted := one("POST "+base), one("GET "+base+"/{token}"), one("POST "+base+"/{token}")
	create, activate := one("kratos create"), one("kratos activate")
	one("outbox crm")
	if invited.TraceID != theirs || create.TraceID != theirs || create.ParentID != invited.ID {
		t.Errorf("invited %+v, create %+v", invited, create)
	}
	if previewed.TraceID == theirs || accepted.TraceID == theirs || previewed.TraceID == accepted.TraceID || accepted.ParentID != "" ||
		activate.TraceID != accepted.TraceID || activate.ParentID != accepted.ID {
		t.Errorf("previewed %+v, accepted %+v, activate %+v", previewed, accepted, activate)
	}
	for _, c := range []struct {
		sent  []string
		calls []tracingtest.Span
	}{{created, []tracingtest.Span{create}}, {activated, []tracingtest.Span{one("kratos get"), activate}}} {
		var want []string
		for _, s := range c.calls {
			want = append(want, "00-"+s.TraceID+"-"+s.ID+"-01")
		}
		if sent := slices.Compact(c.sent); !slices.Equal(sent, want) {
			t.Errorf("Kratos was sent %q, want %q", sent, want)
		}
	}
	for _, s := range []tracingtest.Span{invited, previewed, accepted} {
		if !strings.Contains(b.log.String(), `"trace_id":"`+s.TraceID+`"`) {
			t.Errorf("no line of the log has the trace of %s", s.Name)
		}
	}
	assertNoSecretSent(t, collector, []string{token(a.body), password, key, hookSecret, "CANARY", "example.com", a.body["id"].(string), a.body["identity_id"].(string)})
}

func assertNoSecretSent(t *testing.T, collector *tracingtest.Collector, secrets []string) {
	t.Helper()
	raw := collector.Raw()
	if !strings.Contains(raw, "kratos activate") {
		t.Error("expected spans are missing: the search would prove nothing")
	}
	for _, secret := range secrets {
		if strings.Contains(raw, secret) {
			t.Errorf("%q was sent", secret)
		}
	}
	for _, h := range collector.Headers() {
		if h.Get("Authorization") != "Bearer CANARY" {
			t.Errorf("headers %v", h)
		}
	}
}

// TestTracesCollectorDown: an unavailable collector causes one warning and does
// not delay requests.
func TestTracesCollectorDown(t *testing.T) {
	kratos, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kratos.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	b := startAgainst(t, kratos.URL, kratos.URL, "page: { title: ACME }", fmt.Sprintf(
		"tracing: { provider: otel, providers: { otlp: { server_url: %q, insecure: true, authorization_header: Bearer CANARY } } }",
		strings.TrimPrefix(gone.URL, "http://")))
	ctx, cancel := context.WithTimeout(t.Context(), testenv.Limit)
	defer cancel()
	for range 50 {
		if _, err := send(ctx, http.MethodGet, b.public+"/version", nil); err != nil {
			t.Fatal(err)
		}
	}
	if code := b.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	log := b.log.String()
	if strings.Count(log, `"level":"warning"`) != 1 || !strings.Contains(log, "refused") || strings.Contains(log, "CANARY") {
		t.Errorf("the log is %s", log)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Error("requests waited")
	}
}
