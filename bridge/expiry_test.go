package bridge_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestExpiredUnderFire: Kratos fails every write for a minute while a client
// accepts five times a second. An invitation of eight seconds has expired by
// then, whatever claims the attempts have left behind.
func TestExpiredUnderFire(t *testing.T) {
	w := bridgetest.New(t)
	restore := w.Kratos.OnPut(bridgetest.Answer(http.StatusInternalServerError))
	offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: 8 * time.Second})
	began, failed := w.Clock.Now(), 0
	restored := false
	for ; w.Clock.Now().Sub(began) < time.Minute+bridgetest.Lease; w.Clock.Advance(200 * time.Millisecond) {
		passed := w.Clock.Now().Sub(began)
		if !restored && passed >= time.Minute {
			restore()
			restored, failed = true, w.Kratos.Puts()
		}
		if _, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password); err == nil {
			t.Fatalf("accepted after %v", passed)
		}
		if passed%(5*time.Second) == 0 {
			if _, err := w.Service.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if failed < 3 || w.Kratos.Puts() > failed {
		t.Errorf("%d writes failed, and %d were sent after that", failed, w.Kratos.Puts()-failed)
	}
	if inv, err := w.Service.Get(t.Context(), offer.Invitation.ID); err != nil || inv.State != bridge.StateExpired {
		t.Errorf("%s, %v", inv.State, err)
	}
}

// TestNothingBeginsAfterExpiry: no write begins after the expiry, whatever
// claim the invitation has.
func TestNothingBeginsAfterExpiry(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: 8 * time.Second})
	restore := w.Kratos.OnPut(bridgetest.Answer(500))
	for range 3 {
		acceptRefused(t, w, offer, bridge.ErrKratosUnavailable)
		w.Clock.Advance(3 * time.Second)
	}
	restore()
	acceptRefused(t, w, offer, bridge.ErrExpired)
	w.Clock.Advance(testLease)
	if _, err := w.Service.Sweep(t.Context()); err != nil || stateOf(t, w, offer) != bridge.StateExpired || w.Kratos.Active(offer.Invitation.IdentityID) {
		t.Errorf("%s, %v", stateOf(t, w, offer), err)
	}
}

// TestExpiredBeforeItIsStored: a hook takes longer than the invitation lives. The
// outbox is idle, but an email without a link must not be sent: it fails like one
// that waited for too long.
func TestExpiredBeforeItIsStored(t *testing.T) {
	var w *bridgetest.Harness
	idle, woken := &modelOutbox{idle: true}, 0
	w = bridgetest.New(t, func(c *bridge.Config) {
		c.Outbox = idle
		c.Wake = func(endpoint string) {
			if endpoint == bridge.EndpointCourier {
				woken++
			}
		}
		c.Hooks = hookFunc(func(context.Context, bridge.Payload) error {
			w.Clock.Advance(2 * time.Second)
			return nil
		})
	})
	offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Second})
	for _, m := range idle.takeStarted() {
		t.Errorf("sent at once: %s with the link %q", m.Dispatch.Payload.Type, m.Dispatch.Payload.Data.Link)
	}
	if claimed, _, err := w.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 10, time.Minute); len(claimed) > 0 || err != nil || woken == 0 {
		t.Errorf("%d claimed, %v; woken %d times", len(claimed), err, woken)
	}
	if inv, err := w.Service.Get(t.Context(), offer.Invitation.ID); err != nil || inv.Delivery != bridge.DeliveryFailed {
		t.Errorf("delivery %s, %v", inv.Delivery, err)
	}
}
