package bridge_test

import (
	"context"
	"errors"
	"net/http"

	"pgregory.net/rapid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// trouble is what befalls one verb, and all the model needs to know of it.
type trouble struct {
	name    string
	down    bool
	method  string // of the requests that are spoilt
	route   string
	fault   kratostest.Fault
	lands   bool // the request has its effect, though nobody hears of it
	late    bool // some moments after it was cut,
	overdue bool // or much later
	answer  *bridge.Error
	hook    error // what the operator's hook says
	lose    int   // the commit that is lost; -1: every one
}

const everyCommit = -1

var (
	noTrouble   = trouble{name: "no trouble"}
	kratosDown  = trouble{name: "Kratos down", down: true}
	readTrouble = []trouble{
		{name: "reads answered 503", method: http.MethodGet, route: kratostest.RouteIdentity, fault: bridgetest.Answer(503), answer: bridge.ErrKratosAway},
		{name: "reads answered 401", method: http.MethodGet, route: kratostest.RouteIdentity, fault: bridgetest.Answer(401), answer: bridge.ErrKratosRejected},
	}
	createTrouble = []trouble{
		{name: "create cut before", method: http.MethodPost, route: kratostest.RouteIdentities, fault: bridgetest.CutBefore},
		{name: "create cut after", method: http.MethodPost, route: kratostest.RouteIdentities, fault: bridgetest.CutAfter, lands: true},
	}
	putTrouble = []trouble{
		put("cut before", bridgetest.CutBefore), put("500 before", bridgetest.Answer(500)),
		{name: "PUT cut, lands late", method: http.MethodPut, route: kratostest.RouteIdentity, fault: bridgetest.CutBefore, late: true},
		{name: "PUT cut, lands overdue", method: http.MethodPut, route: kratostest.RouteIdentity, fault: bridgetest.CutBefore, late: true, overdue: true},
		landing(put("cut after", bridgetest.CutAfter)), landing(put("cut in the body", bridgetest.CutBody)), landing(put("500 after", bridgetest.FailAfter)),
		put("answered 400", bridgetest.Answer(400)), put("answered 429", bridgetest.Answer(429)),
	}
	hookTrouble  = []trouble{{name: "hook refuses", hook: bridge.ErrHookRefused}, {name: "hook away", hook: bridge.ErrHookUnavailable}}
	storeTrouble = []trouble{{name: "commit 1 lost", lose: 1}, {name: "commit 2 lost", lose: 2}}
	sweepTrouble = []trouble{{name: "every commit lost", lose: everyCommit}}
)

func put(name string, fault kratostest.Fault) trouble {
	return trouble{name: "PUT " + name, method: http.MethodPut, route: kratostest.RouteIdentity, fault: fault}
}

func landing(t trouble) trouble {
	t.lands = true
	return t
}

// String is what a failed history shows.
func (t trouble) String() string { return t.name }

// GoString is for rapid, which prints what it draws.
func (t trouble) GoString() string { return t.name }

// loses says whether the nth commit of the verb is lost.
func (t trouble) loses(nth int) bool { return t.lose == everyCommit || t.lose == nth }

// meet draws what befalls the next verb: nothing, in most cases.
func (h *history) meet(t *rapid.T, kinds ...[]trouble) {
	all := []trouble{kratosDown}
	if h.flight != nil {
		all = nil // it would cut the request in flight
	}
	for _, kind := range append(kinds, readTrouble) {
		all = append(all, kind...)
	}
	h.trouble, h.commits = noTrouble, 0
	if rapid.IntRange(0, 2).Draw(t, "fair") == 0 {
		h.trouble = rapid.SampledFrom(all).Draw(t, "trouble")
	}
	h.begin()
}

// begin has the trouble begin, and gives it an end.
func (h *history) begin() {
	h.store.begin(h.trouble.loses)
	mend := func() {}
	switch {
	case h.trouble.down:
		h.w.Kratos.Down()
		mend = func() {
			if err := h.w.Kratos.Up(); err != nil {
				h.Fatal(err)
			}
			h.w.ForgetConnections() // or the next request might be sent on a dead one
		}
	case h.trouble.method != "":
		fault := h.trouble.fault
		fault.Method, fault.Route = h.trouble.method, h.trouble.route
		mend = h.w.Kratos.Inject(fault)
	}
	h.over = func() {
		mend()
		h.store.begin(nil)
	}
}

// calm is for verbs that meet no trouble.
func (h *history) calm() {
	h.trouble, h.commits = noTrouble, 0
	h.begin()
}

// Ask is the operator's hook.
func (h *history) Ask(context.Context, bridge.Payload) error { return h.trouble.hook }

// refuses gives the answer to a verb that the hook is asked about.
func (h *history) refuses() *bridge.Error {
	e, _ := errors.AsType[*bridge.Error](h.trouble.hook)
	return e
}

// reads gives the answer to a verb that cannot read an identity.
func (h *history) reads() *bridge.Error {
	switch {
	case h.trouble.down:
		return bridge.ErrKratosAway
	case h.trouble.method == http.MethodGet:
		return h.trouble.answer
	}
	return nil
}

// commit says whether the next commit of the verb is kept.
func (h *history) commit() bool {
	h.commits++
	return !h.trouble.loses(h.commits)
}
