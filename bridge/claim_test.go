package bridge_test

import (
	"context"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestClaimsAfterCrash: a process died during an acceptance. The outcome is
// read before another token is accepted.
func TestClaimsAfterCrash(t *testing.T) {
	t.Run("Kratos wrote, and the owner has a new password", func(t *testing.T) {
		for name, wait := range map[string]time.Duration{"within the lease": 3 * time.Second, "after it": testLease, "after the expiry": 2 * day} {
			t.Run(name, func(t *testing.T) {
				w := bridgetest.New(t)
				offer := invite(t, w, bridge.InviteRequest{Email: email})
				w.Store.FailUpdates(failFrom(3)) // a crash before the last commit
				if _, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password); err == nil {
					t.Fatal("the commit succeeded")
				}
				w.Restart(t)
				acceptRefused(t, w, offer, bridge.ErrAcceptInProgress) // the request may be in flight
				if err := w.Kratos.Activate(t.Context(), offer.Invitation.IdentityID, "chosen-Later-1"); err != nil {
					t.Fatal(err)
				}
				w.Clock.Advance(wait)
				acceptRefused(t, w, offer, bridge.ErrAccepted)
				if w.Kratos.SignIn(t.Context(), email, "chosen-Later-1") != nil || stateOf(t, w, offer) != bridge.StateAccepted {
					t.Errorf("the owner cannot sign in, or the invitation is %s", stateOf(t, w, offer))
				}
			})
		}
	})
	t.Run("Kratos was not called", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		w.Store.FailUpdates(failFrom(2))
		_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		refused(t, err, bridge.ErrStoreUnavailable)
		w.Restart(t)
		w.Clock.Advance(3 * time.Second)
		_, err = w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		if e := refusal(t, err, bridge.ErrAcceptInProgress); e.RetryAfter < 10*time.Second {
			t.Errorf("try again after %v, before the lease expires", e.RetryAfter)
		}
		w.Clock.Advance(testLease)
		accept(t, w, offer, "another-Good-1")
	})
	t.Run("the account was used meanwhile", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		w.Store.FailUpdates(failFrom(2))
		_, _ = w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		w.Restart(t)
		useAndDeactivate(t, w, offer.Invitation.IdentityID)
		w.Clock.Advance(3 * time.Second)
		acceptRefused(t, w, offer, bridge.ErrRevoked)
		if w.Kratos.Active(offer.Invitation.IdentityID) {
			t.Error("it is active")
		}
	})
}

// TestClaimsAndClocks: a caller takes a claim over only when both clocks say
// that its lease has expired; the holder stops writing when either does.
func TestClaimsAndClocks(t *testing.T) {
	crashed := func(t *testing.T) (*bridgetest.Harness, bridge.IssuedInvitation) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		w.Store.FailUpdates(failFrom(2))
		_, _ = w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		w.Restart(t)
		return w, offer
	}
	t.Run("the wall clock jumps ahead", func(t *testing.T) {
		w, offer := crashed(t)
		w.Clock.Set(time.Hour)
		if swept, err := w.Service.Sweep(t.Context()); err != nil || stateOf(t, w, offer) != bridge.StatePending {
			t.Errorf("%+v, %v", swept, err)
		}
		acceptRefused(t, w, offer, bridge.ErrAcceptInProgress)
		w.Clock.Advance(testLease)
		accept(t, w, offer, password)
	})
	t.Run("the wall clock goes back", func(t *testing.T) {
		w, offer := crashed(t)
		w.Clock.Set(-time.Minute)
		w.Clock.Advance(testLease)
		acceptRefused(t, w, offer, bridge.ErrAcceptInProgress)
		w.Clock.Advance(time.Minute)
		accept(t, w, offer, password)
	})
	for name, stop := range map[string]func(*bridgetest.Clock){
		"the process was stopped past its lease": func(c *bridgetest.Clock) { c.Advance(testLease) },
		"the machine was stopped past the lease": func(c *bridgetest.Clock) { c.Set(testLease) },
	} {
		t.Run(name, func(t *testing.T) {
			w := bridgetest.New(t)
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			w.Store.FailUpdates(func(nth int) error {
				if nth == 2 { // after the verdict, before the write
					stop(w.Clock)
				}
				return nil
			})
			acceptRefused(t, w, offer, bridge.ErrKratosUnavailable)
			if n := w.Kratos.Puts(); n != 0 {
				t.Errorf("%d writes", n)
			}
		})
	}
	t.Run("a verdict that is too old is made again", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		w.Store.FailUpdates(func(nth int) error {
			if nth == 2 {
				w.Clock.Advance(time.Second)
				useAndDeactivate(t, w, offer.Invitation.IdentityID)
			}
			return nil
		})
		acceptRefused(t, w, offer, bridge.ErrRevoked)
		if n := w.Kratos.Puts(); n != 0 {
			t.Errorf("%d writes to a used account", n)
		}
	})
}

// TestNoWriteInTheMargin: the last seconds of a lease are reserved for requests
// already sent; no new one begins then.
func TestNoWriteInTheMargin(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Store.FailUpdates(func(nth int) error {
		if nth == 2 { // the write begins
			w.Clock.Advance(bridgetest.Lease - 4*time.Second)
		}
		return nil
	})
	acceptRefused(t, w, offer, bridge.ErrKratosUnavailable)
	if n := w.Kratos.Puts(); n != 0 {
		t.Errorf("%d writes", n)
	}
}

// TestLostClaim: no caller takes over a claim while its holder is running, and
// a holder whose lease has expired does not end the claim of the next one.
func TestLostClaim(t *testing.T) {
	type call struct{ response, done chan error }
	called := make(chan chan error)
	w := bridgetest.New(t, func(c *bridge.Config) {
		c.Hooks = hookFunc(func(_ context.Context, p bridge.Payload) error {
			if p.Type != bridge.EventPrePassword {
				return nil
			}
			response := make(chan error)
			called <- response
			return <-response
		})
	})
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	start := func() (done chan error) {
		done = make(chan error, 1)
		go func() {
			_, err := w.Service.Accept(context.WithoutCancel(t.Context()), offer.Token.Reveal(), password)
			done <- err
		}()
		return done
	}
	begin := func() call {
		done := start()
		return call{<-called, done}
	}
	first := begin()
	w.Clock.Advance(3 * time.Second)
	select {
	case err := <-start():
		refused(t, err, bridge.ErrAcceptInProgress)
	case response := <-called:
		t.Error("the claim was taken over")
		response <- bridge.ErrHookRefused
	}
	w.Clock.Advance(testLease)
	sweep(t, w)
	second := begin()
	first.response <- bridge.ErrHookRefused
	refused(t, <-first.done, bridge.ErrAcceptInProgress)
	second.response <- nil
	if err := <-second.done; err != nil {
		t.Errorf("the second caller lost its claim: %v", err)
	}
}

// TestTakeoverReadsFirst: the outcome of the former claim is read before hooks
// are called for another caller.
func TestTakeoverReadsFirst(t *testing.T) {
	calls := 0
	w := bridgetest.New(t, func(c *bridge.Config) {
		c.Hooks = hookFunc(func(_ context.Context, p bridge.Payload) error {
			if p.Type == bridge.EventPrePassword {
				calls++
			}
			return nil
		})
	})
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	cutAccept(t, w, offer, bridgetest.CutAfter)
	w.Clock.Advance(3 * time.Second)
	acceptRefused(t, w, offer, bridge.ErrAccepted)
	if calls != 1 {
		t.Errorf("hooks were called %d times", calls)
	}
}

// TestSlowCommitEndsTheClaim: a commit that uses up the lease leaves no time to
// call Kratos, so Kratos is not called.
func TestSlowCommitEndsTheClaim(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Store.FailUpdates(func(nth int) error {
		if nth == 1 {
			w.Clock.Advance(bridgetest.Lease - 4*time.Second) // less than the margin is left
		}
		return nil
	})
	_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	refused(t, err, bridge.ErrKratosUnavailable)
	if w.Kratos.Puts() != 0 {
		t.Error("Kratos was called")
	}
	w.Store.FailUpdates(nil)
	accept(t, w, offer, password)
}
