package bridge_test

import (
	"net/http"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestLostRace: Kratos responds 409 to all but one of several concurrent writes
// to an identity. Each time everything begins again with a read.
func TestLostRace(t *testing.T) {
	lost := bridgetest.Answer(http.StatusConflict)
	lost.Method, lost.Route = http.MethodPut, kratostest.RouteIdentity
	t.Run("won in the end", func(t *testing.T) {
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
	t.Run("lost each time", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		restore := w.Kratos.Inject(lost)
		_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		refused(t, err, bridge.ErrKratosUnavailable)
		if n := w.Kratos.Puts(); n != 5 {
			t.Errorf("%d writes", n)
		}
		restore()
		accept(t, w, offer, password) // at once: nothing was written
	})
	for name, row := range map[string]struct {
		meanwhile func(*testing.T, *bridgetest.Harness, bridge.IssuedInvitation)
		reason    bridge.Reason
	}{
		"the account is active now": {func(_ *testing.T, w *bridgetest.Harness, o bridge.IssuedInvitation) {
			w.Kratos.ActivateByHand(o.Invitation.IdentityID, ownerPassword)
		}, bridge.ReasonInUse},
		"it was used meanwhile": {func(t *testing.T, w *bridgetest.Harness, o bridge.IssuedInvitation) {
			useAndDeactivate(t, w, o.Invitation.IdentityID)
		}, bridge.ReasonInUse},
		"it is gone": {func(_ *testing.T, w *bridgetest.Harness, o bridge.IssuedInvitation) {
			w.Kratos.Remove(o.Invitation.IdentityID)
		}, bridge.ReasonGone},
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
