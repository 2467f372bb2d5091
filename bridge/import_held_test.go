package bridge_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestImport_manyHeldRows: rows that wait for long, one in each of many groups, do not keep
// the others from being begun.
func TestImport_manyHeldRows(t *testing.T) {
	var w *bridgetest.Harness
	w = bridgetest.New(t, func(c *bridge.Config) {
		c.Hooks = hookFunc(func(_ context.Context, p bridge.Payload) error {
			if strings.HasPrefix(p.Data.Invitation.Email, "held") {
				w.Clock.Advance(20 * time.Second) // all 40 together take longer than the pause between two tries
				return bridge.ErrHookUnavailable
			}
			return nil
		})
	})
	var bodies []string
	for n, body := range addresses(200) {
		if n%5 == 0 {
			body = strings.Replace(body, "user", "held", 1)
		}
		bodies = append(bodies, body)
	}
	i := startImport(t, w, bridge.ImportRequest{WaveSize: 5, WaveEvery: time.Minute}, bodies...)
	got := importOf(t, w, i.ID)
	for end := w.Clock.Now().Add(24 * time.Hour); got.Counts.Invited < 160 && w.Clock.Now().Before(end); got = importOf(t, w, i.ID) {
		if next := runImports(t, w); !next.IsZero() {
			w.Clock.Advance(next.Sub(w.Clock.Now()))
		}
	}
	if got.Counts.Invited != 160 || got.Begun != 200 {
		t.Errorf("%d of 160 rows were invited, %d begun", got.Counts.Invited, got.Begun)
	}
}

// TestImport_creationAlwaysFails: some releases of Kratos answer 500 where an id is taken.
// A row that is invited again after its invitee has accepted gets that result all the same.
func TestImport_creationAlwaysFails(t *testing.T) {
	w := bridgetest.New(t)
	w.Kratos.Add("user0@example.com", true)
	w.Kratos.Add("user1@example.com", true)
	for _, method := range []string{http.MethodPost, http.MethodPatch} {
		w.Kratos.Inject(kratostest.Fault{Method: method, Route: kratostest.RouteIdentities, Do: kratostest.Answer, Status: http.StatusInternalServerError})
	}
	i := startImport(t, w, bridge.ImportRequest{}, addresses(2)...)
	runToEnd(t, w, i.ID)
	wantResults(t, w, i.ID, bridge.ResultAlreadyActive, bridge.ResultAlreadyActive)
}
