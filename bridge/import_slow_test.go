package bridge_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestImport_slowHooks: hooks that take longer for a group than its lease do not keep the
// import from proceeding.
func TestImport_slowHooks(t *testing.T) {
	asked := map[string]int{}
	var mu sync.Mutex
	var w *bridgetest.Harness
	w = bridgetest.New(t, func(c *bridge.Config) {
		c.Hooks = hookFunc(func(_ context.Context, p bridge.Payload) error {
			mu.Lock()
			defer mu.Unlock()
			asked[p.Data.Invitation.Email]++
			w.Clock.Advance(10 * time.Second)
			return nil
		})
	})
	i := startImport(t, w, bridge.ImportRequest{}, addresses(50)...)
	if i = runToEnd(t, w, i.ID); i.Counts.Invited != 50 {
		t.Errorf("%+v", i)
	}
	for address, n := range asked {
		if n != 1 {
			t.Errorf("the hook was called %d times for %s", n, address)
		}
	}
}

// TestImport_longRow: a row that no invite could have fails, and takes no memory later.
func TestImport_longRow(t *testing.T) {
	w := bridgetest.New(t)
	long := `{"email":"a@example.com","traits":{"name":"` + strings.Repeat("x", 70_000) + `"}}`
	i := startImport(t, w, bridge.ImportRequest{}, long, `{"email":"b@example.com"}`)
	runImports(t, w)
	rows := wantResults(t, w, i.ID, bridge.ResultFailed, bridge.ResultInvited)
	if rows[0].ErrorID != "body_too_large" || len(rows[0].Body) > 10 {
		t.Errorf("%+v", rows[0])
	}
}

// TestImport_claimLost: a worker that was suspended beyond its lease changes nothing when it
// goes on: another one has finished its group.
func TestImport_claimLost(t *testing.T) {
	w := bridgetest.New(t)
	hold, arrived := make(chan struct{}), make(chan struct{})
	w.Kratos.Inject(kratostest.Fault{
		Method: http.MethodPatch, Route: kratostest.RouteIdentities, Times: 1, Arrived: func() { close(arrived) }, Hold: hold,
		Do: kratostest.Answer, Status: http.StatusServiceUnavailable,
	})
	i := startImport(t, w, bridge.ImportRequest{}, addresses(3)...)
	done := make(chan error, 1)
	go func() { _, err := w.Service.RunImports(t.Context()); done <- err }()
	<-arrived
	w.Clock.Advance(time.Hour)
	finished := runToEnd(t, w, i.ID)
	close(hold)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if after := importOf(t, w, i.ID); after.State != bridge.ImportFinished || after.Counts != finished.Counts || after.WaitingFor != "" {
		t.Errorf("%+v", after)
	}
	wantOnce(t, w, 3)
}

// TestImport_sickRow: a row at which Kratos fails whenever it is in a batch does not keep
// the others waiting.
func TestImport_sickRow(t *testing.T) {
	w := bridgetest.New(t)
	w.Kratos.Inject(kratostest.Fault{
		Method: http.MethodPatch, Route: kratostest.RouteIdentities, Do: kratostest.Answer, Status: http.StatusInternalServerError,
	})
	i := startImport(t, w, bridge.ImportRequest{}, addresses(20)...)
	start := w.Clock.Now()
	if i = runToEnd(t, w, i.ID); i.Counts.Invited != 20 || i.FinishedAt.Sub(start) > time.Minute {
		t.Errorf("%+v", i)
	}
	wantOnce(t, w, 20)
}
