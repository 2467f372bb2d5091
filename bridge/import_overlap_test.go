package bridge_test

import (
	"net/http"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestImport_overlapping: two imports of the same addresses, the second of which finds
// identities that the first has created and not recorded yet.
func TestImport_overlapping(t *testing.T) {
	w := bridgetest.New(t)
	first := startImport(t, w, bridge.ImportRequest{}, addresses(3)...)
	second := startImport(t, w, bridge.ImportRequest{}, addresses(3)...)
	hold, arrived := make(chan struct{}), make(chan struct{})
	w.Kratos.Inject(kratostest.Fault{
		Method: http.MethodGet, Route: kratostest.RouteIdentities, Times: 1, Arrived: func() { close(arrived) }, Hold: hold,
	})
	done := make(chan error, 1)
	go func() { _, err := w.Service.RunImports(t.Context()); done <- err }()
	<-arrived // the batch of the first has taken effect
	if _, err := w.Service.RunImports(t.Context()); err != nil {
		t.Error(err)
	}
	close(hold)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Minute)
	a, b := runToEnd(t, w, first.ID), runToEnd(t, w, second.ID)
	if a.Counts.Failed+b.Counts.Failed > 0 {
		t.Errorf("%+v\n%+v\n%+v\n%+v", a.Counts, rowsOf(t, w, first.ID), b.Counts, rowsOf(t, w, second.ID))
	}
	wantOneEach(t, w, 3)
}

// TestImport_overlappingRow: the first import records its invitations while the second
// looks at the identity of one of them, before or after it has asked for the sessions.
func TestImport_overlappingRow(t *testing.T) {
	for name, fault := range map[string]kratostest.Fault{
		"found":    {Method: http.MethodGet, Route: kratostest.RouteIdentities, Skip: 1},
		"sessions": {Method: http.MethodGet, Route: kratostest.RouteSessions},
		"judged":   {Method: http.MethodGet, Route: kratostest.RouteIdentity},
	} {
		t.Run(name, func(t *testing.T) {
			w := bridgetest.New(t)
			first := startImport(t, w, bridge.ImportRequest{}, addresses(2)...)
			second := startImport(t, w, bridge.ImportRequest{}, addresses(2)...)
			reading, read := held(w, kratostest.Fault{Method: http.MethodGet, Route: kratostest.RouteIdentities})
			done := make(chan error, 2)
			run := func() { _, err := w.Service.RunImports(t.Context()); done <- err }
			go run()
			<-reading // the batch of the first has taken effect
			looking, look := held(w, fault)
			go run()
			select {
			case <-looking:
			case err := <-done:
				t.Fatal("the second import does not look", err)
			}
			read()
			if err := <-done; err != nil {
				t.Error(err)
			}
			look()
			if err := <-done; err != nil {
				t.Error(err)
			}
			a, b := runToEnd(t, w, first.ID), runToEnd(t, w, second.ID)
			if a.Counts.Failed+b.Counts.Failed > 0 {
				t.Errorf("%+v\n%+v", rowsOf(t, w, first.ID), rowsOf(t, w, second.ID))
			}
			wantOneEach(t, w, 2)
		})
	}
}

// held makes one request to Kratos wait for release, and reports when it has arrived.
func held(w *bridgetest.Harness, fault kratostest.Fault) (arrived <-chan struct{}, release func()) {
	hold, reached := make(chan struct{}), make(chan struct{})
	fault.Times, fault.Hold, fault.Arrived = 1, hold, func() { close(reached) }
	w.Kratos.Inject(fault)
	return reached, func() { close(hold) }
}
