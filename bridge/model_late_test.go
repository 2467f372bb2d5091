package bridge_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"pgregory.net/rapid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// lateWrite is an activation whose request was cut and is still in flight.
type lateWrite struct {
	invitation *modelInvitation
	password   string
	at         time.Time
	run        time.Duration
	slow       bool // it takes minutes, at least modelGrace
}

// delayPut makes the activating PUT of an acceptance late, if that is the
// fault. Call sent when the acceptance has returned.
func (h *history) delayPut(by *modelCall) (sent func()) {
	if !h.trouble.late {
		return func() {}
	}
	var cut atomic.Bool
	fault := kratostest.Fault{Method: http.MethodPut, Route: kratostest.RouteIdentity, Do: kratostest.CutBefore, Times: 1, Arrived: func() { cut.Store(true) }}
	if by.invitation.origin == bridge.OriginReactivated {
		fault.Skip = 1 // the first one cleans
	}
	restore := h.kratos.Inject(fault)
	return func() {
		if restore(); cut.Load() {
			h.late = append(h.late, lateWrite{by.invitation, by.password, by.at, h.clock.Running(), h.trouble.slow})
		}
	}
}

// applyDueWrites applies the late writes due within d, for one account or for
// all. Those that take minutes are left to applySlowWrite.
func (h *history) applyDueWrites(a *modelAccount, d time.Duration) {
	h.late = slices.DeleteFunc(h.late, func(w lateWrite) bool {
		run := h.clock.Running() + d - w.run
		if w.slow {
			return run >= modelUnresolved-time.Minute // the bridge would no longer check it
		}
		if a != nil && w.invitation.identity != a.id || a == nil && run < modelGrace && d > 0 {
			return false
		}
		if h.accounts[w.invitation.identity].active && w.invitation.permit != void {
			h.broken("%s was handed over while a request for it was in flight", w.invitation.email)
		}
		h.applyWrite(w)
		return true
	})
}

// applySlowWrite applies one of the late writes that take minutes.
func (h *history) applySlowWrite(t *rapid.T) {
	at := slices.IndexFunc(h.late, func(w lateWrite) bool { return w.slow && h.clock.Running()-w.run >= modelGrace })
	if at < 0 {
		t.Skip()
	}
	w := h.late[at]
	for _, n := range h.bridges {
		if n.pending != nil && n.pending.invitation.identity == w.invitation.identity {
			t.Skip()
		}
	}
	h.late = slices.Delete(h.late, at, at+1)
	h.applyWrite(w)
}

// applyWrite changes the account as the late request asks, unless someone has
// used it since: no bridge can prevent that.
func (h *history) applyWrite(w lateWrite) {
	l, a := w.invitation, h.accounts[w.invitation.identity]
	if a.active || a.gone || l.permit == void {
		return
	}
	schema, traits := schemaAndTraits(a.email)
	body, err := json.Marshal(map[string]any{
		"schema_id": schema, "state": "active", "traits": traits,
		"metadata_admin": map[string]any{bridge.MetadataKey: map[string]any{"id": l.id, "accepted_at": w.at}},
		"credentials":    map[string]any{"password": map[string]any{"config": map[string]string{"password": w.password}}},
	})
	if err == nil {
		err = h.kratos.Replace(h.Context(), a.id, string(body))
	}
	if err != nil {
		h.Fatal(err)
	}
	h.step("a request of %s takes effect late, after minutes: %v", l.id, w.slow)
	h.handedOver(a, l, w.password)
	l.detectable = !h.clockSet && !l.node.restored && !l.lost
}
