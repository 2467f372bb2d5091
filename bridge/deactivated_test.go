package bridge_test

import (
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestDeactivatedSince: an account that was accepted, and then taken away, while
// the bridge did not know of the one: its answer was lost. The invitation is no
// way back.
func TestDeactivatedSince(t *testing.T) {
	for name, notice := range map[string]func(*bridgetest.World, bridge.Offer) error{
		"by the sweep": func(w *bridgetest.World, _ bridge.Offer) error { _, err := w.Service.Sweep(t.Context()); return err },
		"by an accept": func(*bridgetest.World, bridge.Offer) error { return nil },
		"by a resend": func(w *bridgetest.World, o bridge.Offer) error {
			_, _ = w.Service.Resend(t.Context(), o.Invitation.ID)
			return nil
		},
		"by a revocation": func(w *bridgetest.World, o bridge.Offer) error {
			_, _ = w.Service.Revoke(t.Context(), o.Invitation.ID)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := bridgetest.New(t)
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			mend := w.Kratos.OnPut(kratostest.Fault{Do: kratostest.CutAfter})
			_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
			refused(t, err, bridge.ErrKratosAway)
			mend()
			w.Kratos.Deactivate(offer.Invitation.IdentityID)
			w.Clock.Advance(time.Minute)
			if err := notice(w, offer); err != nil {
				t.Fatal(err)
			}
			_, err = w.Service.Accept(t.Context(), offer.Token.Reveal(), password+"2")
			refused(t, err, bridge.ErrAccepted)
			if inv, err := w.Service.Get(t.Context(), offer.Invitation.ID); err != nil || inv.State != bridge.StateAccepted {
				t.Errorf("it is %s, %v", inv.State, err)
			}
			if w.Kratos.Active(offer.Invitation.IdentityID) || w.Kratos.Puts() != 1 {
				t.Errorf("active: %v, after %d writes", w.Kratos.Active(offer.Invitation.IdentityID), w.Kratos.Puts())
			}
		})
	}
}

// TestSweepExpiresWithoutKratos: expiring never waits for Kratos, not even where
// the outcome of an acceptance is unknown.
func TestSweepExpiresWithoutKratos(t *testing.T) {
	w := bridgetest.New(t)
	doubted := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Hour})
	mend := w.Kratos.OnPut(kratostest.Fault{Do: kratostest.CutBefore})
	_, err := w.Service.Accept(t.Context(), doubted.Token.Reveal(), password)
	refused(t, err, bridge.ErrKratosAway)
	mend()
	w.Clock.Advance(time.Minute)
	if _, err := w.Service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"b@example.com", "c@example.com"} {
		invite(t, w, bridge.InviteRequest{Email: other, ExpiresIn: time.Hour})
	}
	w.Clock.Advance(time.Hour)
	w.Kratos.Down()
	swept, err := w.Service.Sweep(t.Context())
	refused(t, err, bridge.ErrKratosAway)
	if swept.Expired != 3 {
		t.Errorf("expired %d while Kratos is unavailable, want 3", swept.Expired)
	}
	if err := w.Kratos.Up(); err != nil {
		t.Fatal(err)
	}
	w.ForgetConnections()
	if swept, err := w.Service.Sweep(t.Context()); err != nil || swept.Watched != 1 {
		t.Errorf("afterwards: %+v, %v", swept, err)
	}
}
