package bridge_test

import (
	"context"
	"net/http"

	"pgregory.net/rapid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// flight is an acceptance that waits: in its call to Kratos, or, with its PUT
// written, before its last commit.
type flight struct {
	acceptance
	trouble trouble
	written bool
	change  func(acceptance) // once written: what is to be committed,
	answer  *bridge.Error    // and what the caller is to be told
	arrived chan struct{}
	land    chan struct{}
	done    chan error
	lost    bool // the process has died
}

// takeOff begins an acceptance, and leaves it in the middle.
func (h *history) takeOff(t *rapid.T) {
	if h.flight != nil {
		t.Skip()
	}
	f := &flight{
		acceptance: h.drawAcceptance(t), trouble: noTrouble, written: rapid.Bool().Draw(t, "written"),
		arrived: make(chan struct{}), land: make(chan struct{}), done: make(chan error, 1),
	}
	if rapid.Bool().Draw(t, "fair") {
		f.trouble = rapid.SampledFrom(putTrouble).Draw(t, "trouble")
	}
	h.calm()
	forget := h.hold(f)
	service := h.w.Service
	go func() {
		_, err := service.Accept(context.WithoutCancel(t.Context()), f.link.text, f.password)
		f.done <- err
	}()
	waits := true
	var err error
	select {
	case <-f.arrived:
	case err = <-f.done:
		waits = false
	}
	forget()
	want, asks := h.claims(&f.acceptance)
	if waits && !asks && f.written { // it never asked Kratos, and waits to commit that
		close(f.land)
		err, waits = <-f.done, false
	}
	if asks != waits {
		h.Fatalf("accept waits: %v, and asks Kratos: %v; %v, want %v", waits, asks, err, asError(want))
	}
	if !asks {
		h.answered("accept", err, want)
		return
	}
	h.step("an acceptance waits, written: %v, %s", f.written, f.trouble)
	if h.flight = f; f.written {
		f.change, f.answer = h.writes(f.acceptance, f.trouble)
	}
}

// hold has the acceptance that is about to begin wait in its place.
func (h *history) hold(f *flight) (forget func()) {
	fault := f.trouble.fault
	fault.Method, fault.Route = http.MethodPut, kratostest.RouteIdentity
	if !f.written {
		fault.Times, fault.Arrived, fault.Hold = 1, func() { close(f.arrived) }, f.land
		return h.w.Kratos.Inject(fault)
	}
	updates := 0
	h.store.guard(func() {
		if updates++; updates == 2 {
			close(f.arrived)
			<-f.land
		}
	})
	mend := h.w.Kratos.Inject(fault)
	return func() {
		h.store.guard(nil)
		mend()
	}
}

// land lets the acceptance in flight go on to its end.
func (h *history) land(t *rapid.T) {
	f := h.flight
	if f == nil {
		t.Skip()
	}
	h.meet(t, storeTrouble)
	h.landed(f)
	h.over()
}

func (h *history) landed(f *flight) {
	h.flight = nil
	close(f.land)
	err := <-f.done
	if !f.written {
		f.change, f.answer = h.writes(f.acceptance, f.trouble)
	}
	if f.lost {
		return // whatever it answers, nobody hears it
	}
	h.answered("accept in flight", err, h.finishes(f.acceptance, f.change, f.answer))
}
