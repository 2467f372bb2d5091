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

// trouble is what befalls one verb.
type trouble struct {
	name  string
	down  bool
	fault *kratostest.Fault
	late  bool  // the activating PUT is cut, and has its effect moments later,
	slow  bool  // or minutes
	hook  error // what the operator's hook says
	lose  int   // the commit that is lost; everyCommit
}

const everyCommit = -1

var (
	noTrouble = trouble{name: "no trouble"}
	troubles  = allTroubles()
)

func allTroubles() []trouble {
	all := []trouble{
		{name: "Kratos down", down: true},
		{name: "hook refuses", hook: bridge.ErrHookRefused}, {name: "hook away", hook: bridge.ErrHookUnavailable},
		{name: "every commit lost", lose: everyCommit},
	}
	for range 3 { // as often as all other ways to lose an answer
		all = append(all, trouble{name: "PUT lands late", late: true}, trouble{name: "PUT lands minutes late", late: true, slow: true})
	}
	for n := 1; n <= 6; n++ {
		all = append(all, trouble{name: fmt.Sprintf("commit %d lost", n), lose: n})
	}
	spoil := func(name, method, route string, fault kratostest.Fault) {
		fault.Method, fault.Route = method, route
		all = append(all, trouble{name: method + " " + name, fault: &fault})
	}
	once := bridgetest.Answer(http.StatusConflict)
	once.Times = 1
	spoil("answered 503", http.MethodGet, kratostest.RouteIdentity, bridgetest.Answer(503))
	spoil("answered 401", http.MethodGet, kratostest.RouteIdentity, bridgetest.Answer(401))
	spoil("of sessions answered 503", http.MethodGet, kratostest.RouteSessions, bridgetest.Answer(503))
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodPost} {
		spoil("cut before", method, "", bridgetest.CutBefore)
		spoil("cut after", method, "", bridgetest.CutAfter)
		spoil("answered 400", method, "", bridgetest.Answer(400))
	}
	spoil("500 before", http.MethodPut, "", bridgetest.Answer(500))
	spoil("500 after", http.MethodPut, "", bridgetest.FailAfter)
	spoil("cut in the body", http.MethodPut, "", bridgetest.CutBody)
	spoil("answered 429", http.MethodPut, "", bridgetest.Answer(429))
	spoil("answered 409 once", http.MethodPut, "", once)
	second := bridgetest.CutAfter
	second.Skip = 1
	spoil("cut after, the second one", http.MethodPut, "", second)
	spoil("cut after, the second one", http.MethodDelete, "", second)
	return all
}

// String is what a failed history shows.
func (t trouble) String() string { return t.name }

// GoString is for rapid, which prints what it draws.
func (t trouble) GoString() string { return t.name }

func (t trouble) loses(nth int) bool { return t.lose == everyCommit || t.lose == nth }

// calm says that the verb met nothing that excuses a failure.
func (t trouble) calm() bool { return t.name == noTrouble.name }

// meet draws what befalls the next verb of a bridge: nothing, in most cases.
func (h *history) meet(t *rapid.T, n *node) {
	h.trouble = noTrouble
	if rapid.IntRange(0, 2).Draw(t, "fair") == 0 {
		h.trouble = rapid.SampledFrom(troubles).Draw(t, "trouble")
	}
	if h.trouble.down && (h.bridges[0].flight != nil || len(h.bridges) > 1 && h.bridges[1].flight != nil) {
		h.trouble = noTrouble // it would cut the request in flight
	}
	h.begin(n)
}

// calm is for verbs that meet no trouble.
func (h *history) calm(n *node) {
	h.trouble = noTrouble
	h.begin(n)
}

// begin has the trouble begin, and gives it an end.
func (h *history) begin(n *node) {
	h.revivals = 0
	n.store.begin(h.trouble.loses)
	mend := func() {}
	switch {
	case h.trouble.down:
		h.kratos.Down()
		mend = func() {
			if err := h.kratos.Up(); err != nil {
				h.Fatal(err)
			}
			for _, n := range h.bridges {
				n.w.ForgetConnections() // or the next request might be sent on a dead one
			}
		}
	case h.trouble.fault != nil:
		mend = h.kratos.Inject(*h.trouble.fault)
	}
	h.over = func() {
		mend()
		n.store.begin(nil)
	}
}

// Ask is the operator's hook.
func (h *history) Ask(_ context.Context, p bridge.Payload) error {
	if h.trouble.hook != nil {
		return h.trouble.hook
	}
	if p.Type == bridge.EventPrePassword {
		if wait := h.waiting; wait != nil {
			wait()
		}
		h.asked[p.Data.Invitation.ID] = true
	} else {
		h.revivals++
	}
	return nil
}

// lossy is a store that loses some commits: their functions run, and fail.
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
	counted := false // for fn may run more than once
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
