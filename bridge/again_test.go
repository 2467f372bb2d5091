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

func again(t *testing.T, w *bridgetest.Harness, address string) {
	t.Helper()
	noError(t, w.Service.Again(t.Context(), address))
}

// lastEmailed returns the token of the latest email to the invitee, and the address
// that it goes to.
func lastEmailed(t *testing.T, w *bridgetest.Harness) (token, address string) {
	t.Helper()
	claimed, _, err := w.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 10, time.Minute)
	if err != nil || len(claimed) == 0 {
		t.Fatal(claimed, err)
	}
	data := claimed[len(claimed)-1].Dispatch.Payload.Data
	return data.Token, data.Invitation.Email
}

// TestAgain: someone who lost the email gets another one, to the invited address. A
// valid invitation keeps its expiry and its link, an expired one is revived.
func TestAgain(t *testing.T) {
	for _, expired := range []bool{false, true} {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		w.Clock.Advance(time.Hour)
		expires := offer.Invitation.ExpiresAt
		if expired {
			w.Clock.Advance(day)
			expires = w.Clock.Now().Add(day)
		}
		again(t, w, " Ada@Example.com ")
		inv, err := w.Service.Get(t.Context(), offer.Invitation.ID)
		noError(t, err)
		if inv.State != bridge.StatePending || !inv.ExpiresAt.Equal(expires) || emailsSent(t, w) != 2 {
			t.Errorf("expired: %t: %+v, %d emails", expired, inv, emailsSent(t, w))
		}
		if _, err := w.Service.Preview(t.Context(), offer.Token.Reveal()); (err == nil) == expired {
			t.Errorf("expired: %t: the first link: %v", expired, err)
		}
		token, address := lastEmailed(t, w)
		if address != email {
			t.Errorf("the email goes to %s", address)
		}
		_, err = w.Service.Accept(t.Context(), token, password)
		noError(t, err)
	}
}

// TestAgainSendsNothing: nobody gets an email who is not invited, or no longer.
func TestAgainSendsNothing(t *testing.T) {
	w := bridgetest.New(t)
	offers := map[string]bridge.IssuedInvitation{}
	for _, name := range []string{"accepted", "revoked", "gone", "active", "deactivated", "newer-revoked"} {
		offers[name] = invite(t, w, bridge.InviteRequest{Email: name + "@example.com"})
	}
	accept(t, w, offers["accepted"], password)
	_, err := w.Service.Revoke(t.Context(), offers["revoked"].Invitation.ID)
	noError(t, err)
	w.Kratos.Remove(offers["gone"].Invitation.IdentityID)
	w.Kratos.ActivateByHand(offers["active"].Invitation.IdentityID, "theirs")
	w.Kratos.ActivateByHand(offers["deactivated"].Invitation.IdentityID, "theirs")
	w.Kratos.Deactivate(offers["deactivated"].Invitation.IdentityID)
	w.Clock.Advance(2 * day)
	newer := invite(t, w, bridge.InviteRequest{Email: "newer-revoked@example.com"})
	_, err = w.Service.Revoke(t.Context(), newer.Invitation.ID)
	noError(t, err)
	w.Clock.Advance(day)
	before := emailsSent(t, w)
	for name := range offers {
		again(t, w, name+"@example.com")
	}
	again(t, w, "unknown@example.com")
	if n := emailsSent(t, w) - before; n != 0 {
		t.Errorf("%d emails", n)
	}
	refused(t, w.Service.Again(t.Context(), "no address"), bridge.ErrEmailInvalid)
}

// TestAgainCooldown: however often it is requested, and beside renewals, a mailbox is
// not flooded.
func TestAgainCooldown(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	again(t, w, email)
	if n := emailsSent(t, w); n != 1 {
		t.Errorf("%d emails at once", n)
	}
	for range 60 * 24 {
		w.Clock.Advance(time.Minute)
		again(t, w, email)
		renew(t, w, offer.Token.Reveal())
		claimed, _, err := w.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 10, time.Minute)
		noError(t, err)
		for _, c := range claimed {
			noError(t, w.Service.FinishMessages(t.Context(), bridge.FinishedMessage{Claimed: c, Result: bridge.SendResult{Outcome: bridge.AttemptSent}}))
		}
	}
	if n := emailsSent(t, w); n < 6 || n > 13 {
		t.Errorf("%d emails in a day, requested every minute", n)
	}
}

func TestAgainAtOnce(t *testing.T) {
	w := bridgetest.New(t)
	invite(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(time.Hour)
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if err := w.Service.Again(t.Context(), email); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := emailsSent(t, w); n != 2 {
		t.Errorf("%d emails", n)
	}
}

// TestAgainAsksHooks: reviving an expired invitation is inviting.
func TestAgainAsksHooks(t *testing.T) {
	calls, refuse := 0, true
	w := bridgetest.New(t, func(c *bridge.Config) {
		c.Hooks = hookFunc(func(context.Context, bridge.Payload) error {
			if calls++; refuse && calls > 1 {
				return bridge.ErrHookRefused
			}
			return nil
		})
	})
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(2 * day)
	again(t, w, email)
	if calls != 2 || stateOf(t, w, offer) != bridge.StateExpired {
		t.Errorf("%d calls of hooks, %s", calls, stateOf(t, w, offer))
	}
	refuse = false
	again(t, w, email)
	if calls != 3 || stateOf(t, w, offer) != bridge.StatePending {
		t.Errorf("%d calls of hooks, %s", calls, stateOf(t, w, offer))
	}
}

func TestAgainDuringOutage(t *testing.T) {
	w := bridgetest.New(t)
	invite(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(time.Hour)
	w.Kratos.Down()
	refused(t, w.Service.Again(t.Context(), email), bridge.ErrKratosUnavailable)
	noError(t, w.Kratos.Up())
	w.Store.FailCommits(errors.New("no space left on device"))
	refused(t, w.Service.Again(t.Context(), email), bridge.ErrStoreUnavailable)
	w.Store.FailCommits(nil)
	again(t, w, email)
	if n := emailsSent(t, w); n != 2 {
		t.Errorf("%d emails", n)
	}
}

func TestAgainDisabled(t *testing.T) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.Renew = false })
	invite(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(time.Hour)
	again(t, w, email)
	if n := emailsSent(t, w); n != 1 {
		t.Errorf("%d emails", n)
	}
}
