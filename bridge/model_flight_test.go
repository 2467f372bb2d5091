package bridge_test

import (
	"context"
	"net/http"

	"pgregory.net/rapid"

	"invitebridge/kratos/kratostest"
)

// flight is an acceptance whose PUT has arrived at Kratos, and waits there.
type flight struct {
	acceptance
	trouble trouble
	land    chan struct{}
	done    chan error
	lost    bool // the process has died
}

// takeOff begins an acceptance, and leaves it in its call to Kratos.
func (h *history) takeOff(t *rapid.T) {
	if h.flight != nil {
		t.Skip()
	}
	f := &flight{acceptance: h.drawAcceptance(t), trouble: noTrouble, land: make(chan struct{}), done: make(chan error, 1)}
	if rapid.Bool().Draw(t, "fair") {
		f.trouble = rapid.SampledFrom(putTrouble).Draw(t, "trouble")
	}
	h.calm()
	arrived := make(chan struct{})
	fault := f.trouble.fault
	fault.Method, fault.Route, fault.Times = http.MethodPut, kratostest.RouteIdentity, 1
	fault.Arrived, fault.Hold = func() { close(arrived) }, f.land
	forget := h.w.Kratos.Inject(fault)
	service := h.w.Service
	go func() {
		_, err := service.Accept(context.WithoutCancel(t.Context()), f.link.text, f.password)
		f.done <- err
	}()
	var err error
	var asked bool
	select {
	case <-arrived:
		asked = true
	case err = <-f.done:
	}
	forget()
	want, asks := h.claims(&f.acceptance)
	if asks != asked {
		h.Fatalf("Kratos was asked: %v; accept: %v, want %v", asked, err, want)
	}
	if !asks {
		h.answered("accept", err, want)
		return
	}
	h.flight = f
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
	if f.lost {
		h.trouble.lose = everyCommit // whatever it answers, nobody hears it
		h.writes(f.acceptance, f.trouble)
		return
	}
	h.answered("accept in flight", err, h.writes(f.acceptance, f.trouble))
}
