package bridge_test

import (
	"context"
	"net/http"

	"pgregory.net/rapid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// pendingAccept is an acceptance that is paused: with a request at Kratos, in
// the blocking hook, or before one of its commits.
type pendingAccept struct {
	modelCall
	link    *link
	commit  int // the commit that it waits before, or a constant below
	arrived chan struct{}
	resume  chan struct{}
	done    chan error
	inv     bridge.Invitation
	lost    bool // the process has died
}

const (
	atKratos = 0
	atHook   = -1
)

// requestSent reports whether a request is in flight that cannot be called
// back.
func (f *pendingAccept) requestSent() bool { return f.commit == atKratos }

// startAccept begins an acceptance and leaves it paused.
func (h *history) startAccept(t *rapid.T) {
	by, k := h.drawAccept(t)
	if by.node.pending != nil || !h.mustOpen(k) {
		t.Skip()
	}
	f := &pendingAccept{modelCall: by, link: k, arrived: make(chan struct{}), resume: make(chan struct{}), done: make(chan error, 1)}
	f.commit = rapid.SampledFrom([]int{2, atHook, atKratos, 3, 1, 4, 5, 6, 7}).Draw(t, "waits")
	h.withoutTrouble(by.node)
	forget := h.pauseAccept(t, f)
	service := by.node.w.Service
	go func() {
		var err error
		f.inv, err = service.Accept(context.WithoutCancel(t.Context()), k.text, f.password)
		f.done <- err
	}()
	select {
	case <-f.arrived:
		forget()
		by.node.pending = f
		h.done(&f.modelCall, "accept of %s, %s is paused at %d", f.invitation.id, f.password, f.commit)
	case err := <-f.done:
		forget()
		h.done(&f.modelCall, "accept of %s, %s: %v", f.invitation.id, f.password, err)
		h.checkAccept(f.modelCall, k, f.inv, err)
	}
}

// pauseAccept pauses the acceptance that is about to begin at its place.
func (h *history) pauseAccept(t *rapid.T, f *pendingAccept) (forget func()) {
	if f.commit == atHook {
		h.waiting = func() {
			close(f.arrived)
			<-f.resume
		}
		return func() { h.waiting = nil }
	}
	if f.requestSent() {
		fault := kratostest.Fault{
			Method: rapid.SampledFrom([]string{http.MethodPut, http.MethodPatch, http.MethodDelete}).Draw(t, "request"),
			Skip:   rapid.IntRange(0, 1).Draw(t, "skip"), Times: 1,
			Arrived: func() { close(f.arrived) }, Hold: f.resume,
		}
		return h.kratos.Inject(fault)
	}
	updates := 0
	store := f.node.store
	store.guard(func() {
		if updates++; updates == f.commit {
			close(f.arrived)
			<-f.resume
		}
	})
	return func() { store.guard(nil) }
}

// resumeAccept lets the paused acceptance run to its end.
func (h *history) resumeAccept(t *rapid.T) {
	n := h.drawNode(t)
	if n.pending == nil {
		t.Skip()
	}
	h.drawTrouble(t, n)
	h.finishAccept(n.pending)
}

func (h *history) finishAccept(f *pendingAccept) {
	f.node.pending = nil
	if f.requestSent() {
		f.begun = 1
	}
	close(f.resume)
	err := <-f.done
	h.done(&f.modelCall, "accept of %s resumes: %v", f.invitation.id, err)
	if !f.lost { // otherwise no caller is left
		h.checkAccept(f.modelCall, f.link, f.inv, err)
	}
}
