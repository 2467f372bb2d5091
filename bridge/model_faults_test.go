package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"pgregory.net/rapid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// trouble is the fault during one call.
type trouble struct {
	name  string
	down  bool
	fault *kratostest.Fault
	late  bool  // the activating PUT is cut and takes effect moments later,
	slow  bool  // or minutes
	hook  error // what the blocking hook returns
	lose  int   // the number of the commit that is lost, or everyCommit
}

const everyCommit = -1

var (
	noTrouble = trouble{name: "no trouble"}
	troubles  = allTroubles()
)

func allTroubles() []trouble {
	all := []trouble{
		{name: "Kratos down", down: true},
		{name: "hook refuses", hook: bridge.ErrHookRefused}, {name: "hook unavailable", hook: bridge.ErrHookUnavailable},
		{name: "every commit lost", lose: everyCommit},
	}
	for range 3 { // as often as all other ways to lose a response
		all = append(all, trouble{name: "PUT lands late", late: true}, trouble{name: "PUT lands minutes late", late: true, slow: true})
	}
	for n := 1; n <= 6; n++ {
		all = append(all, trouble{name: fmt.Sprintf("commit %d lost", n), lose: n})
	}
	inject := func(name, method, route string, fault kratostest.Fault) {
		fault.Method, fault.Route = method, route
		all = append(all, trouble{name: method + " " + name, fault: &fault})
	}
	once := bridgetest.Answer(http.StatusConflict)
	once.Times = 1
	inject("returns 503", http.MethodGet, kratostest.RouteIdentity, bridgetest.Answer(503))
	inject("returns 401", http.MethodGet, kratostest.RouteIdentity, bridgetest.Answer(401))
	inject("of sessions returns 503", http.MethodGet, kratostest.RouteSessions, bridgetest.Answer(503))
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodPost} {
		inject("cut before", method, "", bridgetest.CutBefore)
		inject("cut after", method, "", bridgetest.CutAfter)
		inject("returns 400", method, "", bridgetest.Answer(400))
	}
	inject("500 before", http.MethodPut, "", bridgetest.Answer(500))
	inject("500 after", http.MethodPut, "", bridgetest.FailAfter)
	inject("cut in the body", http.MethodPut, "", bridgetest.CutBody)
	inject("returns 429", http.MethodPut, "", bridgetest.Answer(429))
	inject("returns 409 once", http.MethodPut, "", once)
	second := bridgetest.CutAfter
	second.Skip = 1
	inject("cut after, the second one", http.MethodPut, "", second)
	inject("cut after, the second one", http.MethodDelete, "", second)
	return all
}

// String is what a failed history shows.
func (t trouble) String() string { return t.name }

// GoString is for rapid, which prints what it draws.
func (t trouble) GoString() string { return t.name }

func (t trouble) loses(nth int) bool { return t.lose == everyCommit || t.lose == nth }

// isNone reports whether the call met no fault that excuses a failure.
func (t trouble) isNone() bool { return t.name == noTrouble.name }

// drawTrouble draws the fault during the next call of a bridge: none, in most
// cases.
func (h *history) drawTrouble(t *rapid.T, n *node) {
	h.trouble = noTrouble
	if rapid.IntRange(0, 2).Draw(t, "fair") == 0 {
		h.trouble = rapid.SampledFrom(troubles).Draw(t, "trouble")
	}
	if h.trouble.down && (h.bridges[0].pending != nil || len(h.bridges) > 1 && h.bridges[1].pending != nil) {
		h.trouble = noTrouble // Down would cut the request in flight
	}
	h.begin(n)
}

// withoutTrouble begins a call that meets no fault.
func (h *history) withoutTrouble(n *node) {
	h.trouble = noTrouble
	h.begin(n)
}

// begin injects the fault and sets endTrouble, which removes it.
func (h *history) begin(n *node) {
	h.revivals = 0
	n.store.begin(h.trouble.loses)
	restore := func() {}
	switch {
	case h.trouble.down:
		h.kratos.Down()
		restore = func() {
			if err := h.kratos.Up(); err != nil {
				h.Fatal(err)
			}
			for _, n := range h.bridges {
				n.w.CloseIdleConnections() // so that the next request is not sent on a closed one
			}
		}
	case h.trouble.fault != nil:
		restore = h.kratos.Inject(*h.trouble.fault)
	}
	h.endTrouble = func() {
		restore()
		n.store.begin(nil)
	}
}

// Call is the blocking hook.
func (h *history) Ask(ctx context.Context, _ string, p bridge.Payload) error { return h.Call(ctx, p) }

func (h *history) Call(_ context.Context, p bridge.Payload) error {
	if h.trouble.hook != nil {
		return h.trouble.hook
	}
	if p.Type == bridge.EventPrePassword {
		if wait := h.waiting; wait != nil {
			wait()
		}
		h.agreed[p.Data.Invitation.ID] = true
	} else {
		h.revivals++
	}
	return nil
}

// lossy is a store that loses some commits: their functions run and fail.
type lossy struct {
	bridge.Store
	mu    sync.Mutex
	loses func(nth int) bool
	nth   int
	gate  func() // before each update
}

func (s *lossy) begin(loses func(int) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loses, s.nth = loses, 0
}

func (s *lossy) guard(gate func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = gate
}

func (s *lossy) Update(ctx context.Context, fn func(bridge.Tx) error) error {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		gate()
	}
	counted := false // because fn may run more than once
	return s.Store.Update(ctx, func(tx bridge.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if !counted {
			s.nth++
		}
		if counted = true; s.loses != nil && s.loses(s.nth) {
			return errors.New("input/output error")
		}
		return nil
	})
}
