package bridge_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// doubted makes an invitation whose acceptance got no answer, and was released
// when its lease was over: the request may still take effect.
func doubted(t *testing.T, policy bridge.Unaccepted) (*bridgetest.World, bridge.Offer) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.Unaccepted = policy })
	offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Minute})
	cutAccept(t, w, offer, bridgetest.CutBefore)
	w.Clock.Advance(leaseOfTests)
	sweepAll(t, w)
	return w, offer
}

func sweepAll(t *testing.T, w *bridgetest.World) {
	t.Helper()
	if _, err := w.Service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestNothingIsDeletedInDoubt(t *testing.T) {
	w, offer := doubted(t, bridge.DeleteAtPurge)
	if _, err := w.Service.Revoke(t.Context(), offer.Invitation.ID); err != nil {
		t.Fatal(err)
	}
	for range 9 {
		w.Clock.Advance(time.Minute)
		sweepAll(t, w)
		if !w.Kratos.Exists(offer.Invitation.IdentityID) {
			t.Fatal("it was deleted while a request may still take effect")
		}
	}
	w.Clock.Advance(2 * time.Minute)
	sweepAll(t, w)
	if w.Kratos.Exists(offer.Invitation.IdentityID) {
		t.Error("it is left")
	}
}

func TestExpiryDoesNotWaitForDoubt(t *testing.T) {
	w, _ := doubted(t, bridge.DeleteAtExpiry)
	w.Clock.Advance(time.Minute)
	w.Kratos.Down()
	swept, err := w.Service.Sweep(t.Context())
	if refused(t, err, bridge.ErrKratosAway); swept.Expired != 1 {
		t.Errorf("swept %+v", swept)
	}
}

// TestNoWriteInTheMargin: the last seconds of a lease are for requests that are
// on their way; no other begins then.
func TestNoWriteInTheMargin(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Store.FailUpdates(func(nth int) error {
		if nth == 2 { // the write begins
			w.Clock.Advance(16 * time.Second)
		}
		return nil
	})
	tries(t, w, offer, bridge.ErrKratosAway)
	if n := w.Kratos.Puts(); n != 0 {
		t.Errorf("%d writes", n)
	}
}

// TestLostClaim: nobody takes a claim over while its caller is at work; and a
// caller whose lease is over does not end the claim of the one who came after.
func TestLostClaim(t *testing.T) {
	type call struct{ answer, done chan error }
	asked := make(chan chan error)
	w := bridgetest.New(t, func(c *bridge.Config) {
		c.Hooks = hookFunc(func(_ context.Context, p bridge.Payload) error {
			if p.Type != bridge.EventPrePassword {
				return nil
			}
			answer := make(chan error)
			asked <- answer
			return <-answer
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
		return call{<-asked, done}
	}
	first := begin()
	w.Clock.Advance(3 * time.Second)
	select {
	case err := <-start():
		refused(t, err, bridge.ErrAcceptInProgress)
	case answer := <-asked:
		t.Error("the claim was taken over")
		answer <- bridge.ErrHookRefused
	}
	w.Clock.Advance(leaseOfTests)
	sweepAll(t, w)
	second := begin()
	first.answer <- bridge.ErrHookRefused
	refused(t, <-first.done, bridge.ErrAcceptInProgress)
	second.answer <- nil
	if err := <-second.done; err != nil {
		t.Errorf("the second caller lost its claim: %v", err)
	}
}

// TestHalfCleanedLink: an account that had a link and no password has one after
// the first step of the cleaning, which is the bridge's own.
func TestHalfCleanedLink(t *testing.T) {
	w := bridgetest.New(t)
	id := w.Kratos.Add(email, false)
	setCredential("oidc", "", "idp:1")(t, w, id)
	offer := invite(t, w, bridge.InviteRequest{IdentityID: id, Reactivate: true})
	w.Clock.Advance(time.Hour)
	w.Store.FailUpdates(failFrom(3)) // behind the new password
	if _, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password); err == nil {
		t.Fatal("the acceptance succeeded")
	}
	w.Store.FailUpdates(nil)
	w.Clock.Advance(leaseOfTests)
	accept(t, w, offer, password)
	if w.Kratos.SignInOIDC("idp", "1") == nil {
		t.Error("the former holder signs in")
	}
}

// TestDoubtIsWatched: nobody has to come back for a late acceptance to be noticed.
func TestDoubtIsWatched(t *testing.T) {
	w, offer := doubted(t, bridge.KeepUnaccepted)
	body := fmt.Sprintf(`{"schema_id":"default","state":"active","traits":{"email":%q},"metadata_admin":{"invitation":{"id":%q,"accepted_at":%q}}}`,
		email, offer.Invitation.ID, w.Clock.Now().Format(time.RFC3339))
	if err := w.Kratos.Replace(t.Context(), offer.Invitation.IdentityID, body); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(5 * time.Second)
	sweepAll(t, w)
	if got := stateOf(t, w, offer); got != bridge.StateAccepted {
		t.Errorf("it is %s", got)
	}
}

// TestTakeoverReadsFirst: what a lost answer would have said is read before hooks
// are asked for another caller.
func TestTakeoverReadsFirst(t *testing.T) {
	asked := 0
	w := bridgetest.New(t, func(c *bridge.Config) {
		c.Hooks = hookFunc(func(_ context.Context, p bridge.Payload) error {
			if p.Type == bridge.EventPrePassword {
				asked++
			}
			return nil
		})
	})
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	cutAccept(t, w, offer, bridgetest.CutAfter)
	w.Clock.Advance(3 * time.Second)
	tries(t, w, offer, bridge.ErrAccepted)
	if asked != 1 {
		t.Errorf("hooks were asked %d times", asked)
	}
}
