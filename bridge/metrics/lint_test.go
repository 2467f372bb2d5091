package metrics

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"invitebridge/bridge"
	"invitebridge/bridge/instrument"
)

// everything returns metrics in which each has a value.
func everything() *Metrics {
	m := New("v1.2.3")
	m.Collect(func(context.Context) (bridge.Backlog, time.Duration, error) {
		return bridge.Backlog{Pending: 1, Queued: 1}, time.Second, nil
	}, func() (int64, int64, error) { return 1, 1, nil })
	m.CollectLinkRequests(func() (int, int64) { return 1, 2 })
	m.CollectEndpoints(func() []bridge.Endpoint { return []bridge.Endpoint{{ID: "crm", State: bridge.EndpointDisabled}} })
	m.CollectDatabase(func() Pool { return Pool{Acquired: 3, Idle: 2, Max: 8, Waits: 4, Waited: 1500 * time.Millisecond} }, []string{"connection"})
	m.Retry("deadlock_detected")
	m.KeyUsed("backend")
	m.Request("public", "GET", "/api/v1/invite/{token}", http.StatusOK, time.Millisecond)
	for call, watch := range map[string]instrument.Observer{"get": m.Kratos, "pre_password_creation": m.Hook, "courier": m.Attempt} {
		_, end := watch(context.Background(), call)
		end("ok")
	}
	m.Commit(time.Millisecond, errors.New("full"))
	m.Count(bridge.Counters{Created: 1, Sent: 1, Opened: 1, Accepted: []time.Duration{time.Hour}, Expired: 1, Revoked: 1, GivenUp: 1, Unreadable: 1})
	return m
}

// TestLint checks names, units and help texts with the linter of the client library
// and, if it is installed, promtool.
func TestLint(t *testing.T) {
	m := everything()
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	promtool(t, exposition(t, m), "check", "metrics")
}

func exposition(t *testing.T, m *Metrics) []byte {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics/prometheus", nil))
	if w.Code != http.StatusOK || w.Body.Len() == 0 {
		t.Fatalf("%d, %d bytes", w.Code, w.Body.Len())
	}
	return w.Body.Bytes()
}

// promtool runs a command of Prometheus' promtool, which must report no problem. It
// skips the test if promtool is not installed, but not in CI.
func promtool(t *testing.T, input []byte, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("promtool is not installed")
	} else if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdin = bytes.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	} else if bytes.Contains(bytes.ToLower(out), []byte("warning")) {
		t.Errorf("promtool %v:\n%s", args, out)
	}
}
