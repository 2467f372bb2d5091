package bridge_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestForget_interrupted: whichever update is the last before a crash, no account is
// lost, and a repetition after a restart and a sweep finishes.
func TestForget_interrupted(t *testing.T) {
	for _, policy := range []bridge.Unaccepted{bridge.KeepUnaccepted, bridge.DeleteAtPurge} {
		for last := 1; ; last++ {
			w := bridgetest.New(t, func(c *bridge.Config) { c.Unaccepted = policy })
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			w.Store.FailUpdates(failFrom(last))
			_, err := w.Service.Forget(t.Context(), offer.Invitation.ID)
			if err == nil {
				if last < 4 {
					t.Errorf("there are only %d updates", last-1)
				}
				break
			}
			refused(t, err, bridge.ErrStoreUnavailable)
			w.Restart(t)
			if !w.Kratos.Exists(offer.Invitation.IdentityID) {
				acceptRefused(t, w, offer, bridge.ErrRevoked)
			}
			w.Clock.Advance(testLease)
			sweep(t, w)
			forget(t, w, offer.Invitation.ID)
			wantForgotten(t, w, offer)
			if w.Kratos.Len() != 0 {
				t.Errorf("%s, after %d updates: the identity is left", policy, last-1)
			}
		}
	}
}

// TestForget_concurrent: of an acceptance and a removal at the same time, either the
// acceptance fails and the identity is gone, or it succeeds and the account stays.
func TestForget_concurrent(t *testing.T) {
	outcomes := map[bool]int{}
	for round := range 60 {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		var accepted, forgotten error
		var running sync.WaitGroup
		running.Go(func() {
			_, accepted = w.Service.Accept(context.WithoutCancel(t.Context()), offer.Token.Reveal(), password)
		})
		running.Go(func() {
			time.Sleep(time.Duration(round) * 200 * time.Microsecond) // anywhere in the acceptance
			_, forgotten = w.Service.Forget(t.Context(), offer.Invitation.ID)
		})
		running.Wait()
		if errors.Is(forgotten, bridge.ErrAcceptInProgress) {
			w.Clock.Advance(testLease + 11*time.Minute)
			sweep(t, w)
			_, forgotten = w.Service.Forget(t.Context(), offer.Invitation.ID)
		}
		noError(t, forgotten)
		account := w.Kratos.Exists(offer.Invitation.IdentityID) && w.Kratos.SignIn(t.Context(), email, password) == nil
		if account != (accepted == nil) || !account && w.Kratos.Len() != 0 {
			t.Fatalf("accepted: %v; the account exists: %v, with %d identities", accepted, account, w.Kratos.Len())
		}
		outcomes[account]++
		wantForgotten(t, w, offer)
	}
	t.Logf("accepted or not: %v", outcomes)
}
