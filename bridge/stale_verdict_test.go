package bridge_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestStaleVerdict: all connections to Kratos are busy when a write begins, and
// the identity is activated before one is free. The verdict is then too old, so
// the write is not sent.
func TestStaleVerdict(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	const connections = 64 // of the client
	hold, begun := make(chan struct{}), make(chan struct{})
	var busy atomic.Int32
	w.Kratos.Inject(kratostest.Fault{Method: http.MethodGet, Route: kratostest.RouteReady, Hold: hold, Arrived: func() { busy.Add(1) }})
	var others sync.WaitGroup
	defer others.Wait()
	release := sync.OnceFunc(func() { close(hold) })
	defer release()
	w.Kratos.After(func(int, kratostest.Request) { // the read of the acceptance
		w.Kratos.After(nil)
		for range 2 * connections {
			others.Go(func() { _ = w.Service.Ready(t.Context()) })
		}
		for busy.Load() < connections-1 { // the read has the last one
			time.Sleep(time.Millisecond)
		}
	})
	w.Store.FailUpdates(func(nth int) error {
		if nth == 2 {
			close(begun)
		}
		return nil
	})
	result := make(chan error, 1)
	go func() {
		_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		result <- err
	}()
	<-begun
	time.Sleep(100 * time.Millisecond) // the write should be waiting for a connection now; if it is not yet, it is not sent either
	const owner = "owner-Horse-7-battery"
	w.Kratos.ActivateByHand(offer.Invitation.IdentityID, owner)
	w.Clock.Advance(2 * time.Second)
	release()
	refused(t, <-result, bridge.ErrRevoked)
	if err := w.Kratos.SignIn(t.Context(), email, owner); err != nil || w.Kratos.Puts() > 0 {
		t.Errorf("the owner's password: %v; %d writes", err, w.Kratos.Puts())
	}
}
