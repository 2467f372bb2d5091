package bridge_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestUnknownCommit: a change is committed with its messages, but the store cannot
// tell. The workers are woken nevertheless, to see when those messages are due:
// nothing else may wake them for days. What the commit claimed is not sent.
func TestUnknownCommit(t *testing.T) {
	for name, idle := range map[string]bool{"queued": false, "claimed": true} {
		t.Run(name, func(t *testing.T) {
			outbox, woken := &modelOutbox{idle: idle}, []string(nil)
			w := bridgetest.New(t, func(c *bridge.Config) {
				c.Outbox = outbox
				c.Wake = func(endpoint string) { woken = append(woken, endpoint) }
			})
			fails := func(what string, err error, messages ...string) {
				t.Helper()
				w.Store.HideCommits(nil)
				refused(t, err, bridge.ErrStoreUnavailable)
				for _, endpoint := range messages {
					if !slices.Contains(woken, endpoint) || len(w.EventsFor(t, endpoint)) == 0 {
						t.Errorf("%s: woken are %v; %s has %v", what, woken, endpoint, w.EventsFor(t, endpoint))
					}
				}
				if n := len(outbox.takeStarted()); n > 0 {
					t.Errorf("%s: %d messages were sent", what, n)
				}
			}
			w.Store.HideCommits(errors.New("input/output error"))
			_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
			fails("invite", err, bridge.EndpointCourier, bridgetest.Hook)

			offer := invite(t, w, bridge.InviteRequest{Email: "ben@example.com"})
			outbox.takeStarted()
			woken = nil
			w.Kratos.Inject(kratostest.Fault{Method: http.MethodPut, Route: kratostest.RouteIdentity, Times: 1, Arrived: func() {
				w.Store.HideCommits(errors.New("input/output error"))
			}})
			_, err = w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
			fails("accept", err, bridgetest.Hook)
		})
	}
}
