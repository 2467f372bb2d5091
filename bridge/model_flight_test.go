package bridge_test

import (
	"context"
	"net/http"

	"pgregory.net/rapid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// flight is an acceptance that waits: with a request on its way to Kratos, for
// the operator's hook, or before one of its commits.
type flight struct {
	act
	link    *link
	commit  int // that it waits before; or one of those below
	arrived chan struct{}
	land    chan struct{}
	done    chan error
	inv     bridge.Invitation
	lost    bool // the process has died
}

const (
	atKratos = 0
	atHook   = -1
)

// onItsWay says that a request has begun, which nobody can call back.
func (f *flight) onItsWay() bool { return f.commit == atKratos }

// takeOff begins an acceptance, and leaves it in the middle.
func (h *history) takeOff(t *rapid.T) {
	by, k := h.drawAct(t)
	if by.node.flight != nil || !h.opens(k) {
		t.Skip()
	}
	f := &flight{act: by, link: k, arrived: make(chan struct{}), land: make(chan struct{}), done: make(chan error, 1)}
	f.commit = rapid.SampledFrom([]int{2, atHook, atKratos, 3, 1, 4, 5, 6, 7}).Draw(t, "waits")
	h.calm(by.node)
	forget := h.hold(t, f)
	service := by.node.w.Service
	go func() {
		var err error
		f.inv, err = service.Accept(context.WithoutCancel(t.Context()), k.text, f.password)
		f.done <- err
	}()
	select {
	case <-f.arrived:
		forget()
		by.node.flight = f
		h.done(&f.act, "an acceptance of %s, %s waits at %d", f.life.id, f.password, f.commit)
	case err := <-f.done:
		forget()
		h.done(&f.act, "accept of %s, %s: %v", f.life.id, f.password, err)
		h.accepted(f.act, k, f.inv, err)
	}
}

// hold has the acceptance that is about to begin wait in its place.
func (h *history) hold(t *rapid.T, f *flight) (forget func()) {
	if f.commit == atHook {
		h.waiting = func() {
			close(f.arrived)
			<-f.land
		}
		return func() { h.waiting = nil }
	}
	if f.onItsWay() {
		fault := kratostest.Fault{
			Method: rapid.SampledFrom([]string{http.MethodPut, http.MethodPatch, http.MethodDelete}).Draw(t, "request"),
			Skip:   rapid.IntRange(0, 1).Draw(t, "skip"), Times: 1,
			Arrived: func() { close(f.arrived) }, Hold: f.land,
		}
		return h.kratos.Inject(fault)
	}
	updates := 0
	store := f.node.store
	store.guard(func() {
		if updates++; updates == f.commit {
			close(f.arrived)
			<-f.land
		}
	})
	return func() { store.guard(nil) }
}

// land lets the acceptance in flight go on to its end.
func (h *history) land(t *rapid.T) {
	n := h.drawNode(t)
	if n.flight == nil {
		t.Skip()
	}
	h.meet(t, n)
	h.landed(n.flight)
}

func (h *history) landed(f *flight) {
	f.node.flight = nil
	if f.onItsWay() {
		f.begun = 1
	}
	close(f.land)
	err := <-f.done
	h.done(&f.act, "the acceptance of %s goes on: %v", f.life.id, err)
	if !f.lost { // else nobody hears it
		h.accepted(f.act, f.link, f.inv, err)
	}
}
