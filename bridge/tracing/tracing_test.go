package tracing_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"invitebridge/bridge/tracing"
	"invitebridge/bridge/tracing/tracingtest"
)

const (
	secret      = "Bearer the-credentials"
	remoteTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	remoteSpan  = "00f067aa0ba902b7"
)

// journal is a log that tests can read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func newTracer(t *testing.T, server string, ratio float64) (*tracing.Tracer, *journal) {
	t.Helper()
	log := &journal{}
	tracer, err := tracing.New(tracing.Config{
		Server: server, Insecure: true, Authorization: secret, Service: "bridge", Version: "v1", Environment: "tests",
		Ratio: ratio, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return tracer, log
}

func remote(flags string) http.Header {
	return http.Header{"Traceparent": {"00-" + remoteTrace + "-" + remoteSpan + "-" + flags}}
}

// TestSpans makes the spans of requests, calls and attempts, and checks what the
// collector received.
func TestSpans(t *testing.T) {
	collector := tracingtest.New(t, nil)
	tracer, log := newTracer(t, collector.Server, 1)
	ctx, traceID, end := tracer.Request(t.Context(), remote("01"))
	if traceID != remoteTrace {
		t.Errorf("the trace is %s", traceID)
	}
	inner, endCall := tracer.Kratos(ctx, "get")
	sent := http.Header{}
	tracer.Inject(inner, sent)
	endCall("unknown")
	_, endRace := tracer.Kratos(ctx, "mark")
	endRace("race")
	_, endHook := tracer.Hook(ctx, "pre_password_creation")
	endHook("refused")
	_, endAttempt := tracer.Attempt(t.Context(), "crm")
	endAttempt("retry")
	end("POST", "/x/{token}", 503)
	_, _, end = tracer.Request(t.Context(), nil)
	end("other", "", 404)
	_, _, end = tracer.Request(t.Context(), http.Header{"Traceparent": {"nonsense"}, "Baggage": {"a=b"}})
	end("GET", "/x", 0)
	tracer.Close()

	server := func(method, route, status string) map[string]string {
		all := map[string]string{"http.request.method": method}
		for name, value := range map[string]string{"http.route": route, "http.response.status_code": status} {
			if value != "" {
				all[name] = value
			}
		}
		return all
	}
	outcome := func(text string) map[string]string { return map[string]string{"invitebridge.outcome": text} }
	failed := server("POST", "/x/{token}", "503")
	failed["error.type"] = "503"
	cut := server("GET", "/x", "")
	cut["error.type"] = "0"
	want := []tracingtest.Span{
		{Name: "kratos get", Kind: "client", Error: true, Attributes: outcome("unknown")},
		{Name: "kratos mark", Kind: "client", Attributes: outcome("race")},
		{Name: "hook pre_password_creation", Kind: "client", Attributes: outcome("refused")},
		{Name: "outbox crm", Kind: "client", Error: true, Attributes: outcome("retry")},
		{Name: "POST /x/{token}", Kind: "server", Error: true, Attributes: failed},
		{Name: "HTTP", Kind: "server", Attributes: server("_OTHER", "", "404")},
		{Name: "GET /x", Kind: "server", Error: true, Attributes: cut},
	}
	got := collector.Spans()
	if len(got) != len(want) {
		t.Fatalf("%d spans: %+v\n%s", len(got), got, log)
	}
	request := got[4]
	for i, parent := range []string{request.ID, request.ID, request.ID, "", remoteSpan, "", ""} {
		if got[i].ParentID != parent || (parent != "") != (got[i].TraceID == remoteTrace) {
			t.Errorf("%s: trace %s, parent %s", got[i].Name, got[i].TraceID, got[i].ParentID)
		}
		want[i].TraceID, want[i].ID, want[i].ParentID = got[i].TraceID, got[i].ID, got[i].ParentID
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	if h := sent.Get("Traceparent"); h != "00-"+remoteTrace+"-"+got[0].ID+"-01" || len(sent) != 1 {
		t.Errorf("sent to Kratos: %v", sent)
	}
	about := map[string]string{"service.name": "bridge", "service.version": "v1", "deployment.environment.name": "tests"}
	if diff := cmp.Diff(about, collector.Resource()); diff != "" {
		t.Errorf("resource (-want +got):\n%s", diff)
	}
	if h := collector.Headers()[0]; h.Get("Authorization") != secret {
		t.Errorf("headers %v", h)
	}
	if log.String() != "" {
		t.Errorf("unexpected log: %s", log)
	}
}

// TestSampling: the ratio decides, unless the caller has decided.
func TestSampling(t *testing.T) {
	for name, c := range map[string]struct {
		ratio  float64
		remote http.Header
		want   int
	}{
		"all": {1, nil, 1}, "none": {0, nil, 0},
		"sampled by the caller": {0, remote("01"), 1}, "not sampled by the caller": {1, remote("00"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			collector := tracingtest.New(t, nil)
			tracer, _ := newTracer(t, collector.Server, c.ratio)
			_, traceID, end := tracer.Request(t.Context(), c.remote)
			end("GET", "/x", 200)
			tracer.Close()
			if n := len(collector.Spans()); n != c.want || len(traceID) != 32 {
				t.Errorf("%d spans of trace %q, want %d", n, traceID, c.want)
			}
		})
	}
}

// TestCollectorFails: no call waits, the time of Close is bounded, one warning says
// that spans are lost, and the credentials reach neither another server nor the log.
func TestCollectorFails(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the redirect was followed, with %v", r.Header)
	}))
	t.Cleanup(elsewhere.Close)
	if tracing.CloseTimeout != 5*time.Second {
		t.Errorf("Close takes up to %s", tracing.CloseTimeout)
	}
	release := make(chan struct{})
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request) bool
		cause  string
	}{
		"it refuses, and repeats the credentials": {func(w http.ResponseWriter, r *http.Request) bool {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, "bad header "+r.Header.Get("Authorization"))
			return true
		}, "it responded with 401 Unauthorized"},
		"it redirects": {func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
			return true
		}, "it responded with 307 Temporary Redirect"},
		"it does not speak HTTP, and repeats the credentials": {func(w http.ResponseWriter, r *http.Request) bool {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, r.Header.Get("Authorization")+"\r\n\r\n")
				_ = conn.Close()
			}
			return true
		}, "text withheld"},
		"it hangs": {func(http.ResponseWriter, *http.Request) bool { <-release; return true }, ""}, // only CloseTimeout ends it: each of several batches takes as long
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			collector := tracingtest.New(t, c.answer)
			if c.cause == "" {
				t.Cleanup(func() { close(release) }) // before the collector is closed
			}
			tracer, log := newTracer(t, collector.Server, 1)
			for range 5000 { // more than the queue holds
				_, _, end := tracer.Request(context.Background(), nil)
				end("GET", "/x", 200)
			}
			tracer.Close()
			text := log.String()
			if c.cause != "" && (strings.Count(text, "spans were lost") != 1 || !strings.Contains(text, c.cause)) {
				t.Errorf("the log is %s", text)
			}
			if c.cause == "" && !strings.Contains(text, "not sent in time") {
				t.Errorf("the log is %s", text)
			}
			if text == "" || strings.Contains(text, "credentials") {
				t.Errorf("the log is %s", text)
			}
		})
	}
}
