package bridge_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestLostRace: Kratos answers 409 to most of those who write one identity at
// once. Each time everything begins anew, with a read.
func TestLostRace(t *testing.T) {
	lost := bridgetest.Answer(http.StatusConflict)
	lost.Method, lost.Route = http.MethodPut, kratostest.RouteIdentity
	t.Run("and won in the end", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		f := lost
		f.Times = 4
		w.Kratos.Inject(f)
		accept(t, w, offer, password)
		if gets := w.Kratos.Count(http.MethodGet, kratostest.RouteIdentity).Calls; gets != 5 {
			t.Errorf("%d reads for 5 writes", gets)
		}
	})
	t.Run("each time", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		mend := w.Kratos.Inject(lost)
		_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		refused(t, err, bridge.ErrKratosAway)
		if n := w.Kratos.Puts(); n != 5 {
			t.Errorf("%d writes", n)
		}
		mend()
		accept(t, w, offer, password) // at once: nothing was done
	})
	for name, row := range map[string]struct {
		meanwhile func(*testing.T, *bridgetest.World, bridge.Offer)
		reason    bridge.Reason
	}{
		"and the account is somebody's now": {func(_ *testing.T, w *bridgetest.World, o bridge.Offer) {
			w.Kratos.ActivateByHand(o.Invitation.IdentityID, theirs)
		}, bridge.ReasonInUse},
		"and it was used": {func(t *testing.T, w *bridgetest.World, o bridge.Offer) { used(t, w, o.Invitation.IdentityID) }, bridge.ReasonInUse},
		"and it is gone":  {func(_ *testing.T, w *bridgetest.World, o bridge.Offer) { w.Kratos.Remove(o.Invitation.IdentityID) }, bridge.ReasonGone},
	} {
		t.Run(name, func(t *testing.T) {
			w := bridgetest.New(t)
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			f := lost
			f.Times, f.Arrived = 1, func() { row.meanwhile(t, w, offer) }
			w.Kratos.Inject(f)
			_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
			refused(t, err, bridge.ErrRevoked)
			inv, err := w.Service.Get(t.Context(), offer.Invitation.ID)
			if err != nil || inv.State != bridge.StateRevoked || inv.Reason != row.reason || w.Kratos.Puts() != 1 {
				t.Errorf("%s for %s, %v, after %d writes", inv.State, inv.Reason, err, w.Kratos.Puts())
			}
		})
	}
}

// emailed gives the token of the email to the invitee.
func emailed(t *testing.T, w *bridgetest.World) string {
	t.Helper()
	claimed, _, err := w.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 1, time.Minute)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("%d emails, %v", len(claimed), err)
	}
	return claimed[0].Dispatch.Payload.Data.Token
}

// TestVerifyFails: whatever befalls the write that marks the address as verified,
// no password was set, and trying again helps.
func TestVerifyFails(t *testing.T) {
	for _, c := range kratosFaults() {
		t.Run(c.name, func(t *testing.T) {
			w := c.world(t)
			invite(t, w, bridge.InviteRequest{Email: email})
			token := emailed(t, w)
			c.fault.Method, c.fault.Route = http.MethodPatch, kratostest.RouteIdentity
			mend := w.Kratos.Inject(c.fault)
			_, err := w.Service.Accept(t.Context(), token, password)
			refused(t, err, c.accepted)
			if n := w.Kratos.Puts(); n != 0 {
				t.Errorf("the password was sent %d times", n)
			}
			mend()
			w.Clock.Advance(3 * time.Second)
			if _, err := w.Service.Accept(t.Context(), token, "another-Good-1"); err != nil {
				t.Errorf("again: %v", err)
			}
		})
	}
}

// TestVerifiedByTheInvitee: a second write of the same is not sent.
func TestVerifiedByTheInvitee(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	token := emailed(t, w)
	if _, err := w.Kratos.Patch(context.Background(), offer.Invitation.IdentityID, `[{"op":"replace","path":"/verifiable_addresses/0/verified","value":true}]`); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Service.Accept(t.Context(), token, password); err != nil {
		t.Fatal(err)
	}
	if n := w.Kratos.Count(http.MethodPatch, kratostest.RouteIdentity).Calls; n != 0 {
		t.Errorf("%d writes that mark the address", n)
	}
}
