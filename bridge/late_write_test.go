package bridge_test

import (
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

// lateAccept accepts while Kratos closes the connection and the request waits.
// It takes effect only once land is called.
func lateAccept(t *testing.T, w *bridgetest.Harness, offer bridge.IssuedInvitation) (land func()) {
	t.Helper()
	hold := make(chan struct{})
	restore := w.Kratos.OnPut(kratostest.Fault{Hold: hold, Times: 1, Arrived: w.Kratos.Down})
	_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	refused(t, err, bridge.ErrKratosUnavailable)
	if err := w.Kratos.Up(); err != nil {
		t.Fatal(err)
	}
	w.CloseIdleConnections()
	return func() {
		t.Helper()
		close(hold)
		testenv.Eventually(t, "the late request takes effect", func() bool { return w.Kratos.Active(offer.Invitation.IdentityID) })
		restore()
	}
}

// TestLateEffect: a request takes effect in Kratos long after the bridge gave
// up. The invitation is then accepted, and no password is replaced.
func TestLateEffect(t *testing.T) {
	late := func(t *testing.T) (w *bridgetest.Harness, offer bridge.IssuedInvitation, land func()) {
		w = bridgetest.New(t)
		offer = invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Hour})
		land = lateAccept(t, w, offer)
		w.Clock.Advance(bridgetest.Lease)
		if swept, err := w.Service.Sweep(t.Context()); err != nil || swept.Reconciled != 1 {
			t.Fatalf("%+v, %v", swept, err)
		}
		return w, offer, land
	}
	t.Run("accepting again", func(t *testing.T) {
		w, offer, land := late(t)
		land()
		_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), "another-Good-1")
		refused(t, err, bridge.ErrAccepted)
		if err := w.Kratos.SignIn(t.Context(), email, password); err != nil {
			t.Errorf("the password was replaced: %v", err)
		}
		if got := stateOf(t, w, offer); got != bridge.StateAccepted {
			t.Errorf("the invitation is %s", got)
		}
	})
	t.Run("only the sweep runs", func(t *testing.T) {
		w, offer, land := late(t)
		land()
		w.Clock.Advance(time.Hour)
		if n, err := w.Service.ExpireDue(t.Context()); n != 1 || err != nil {
			t.Errorf("%d expired, %v", n, err)
		}
		if _, err := w.Service.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := stateOf(t, w, offer); got != bridge.StateAccepted {
			t.Errorf("the invitation is %s", got)
		}
	})
	t.Run("revoking", func(t *testing.T) {
		w, offer, land := late(t)
		land()
		_, err := w.Service.Revoke(t.Context(), offer.Invitation.ID)
		refused(t, err, bridge.ErrAccepted)
		if got := stateOf(t, w, offer); got != bridge.StateAccepted {
			t.Errorf("the invitation is %s", got)
		}
	})
	t.Run("inviting again", func(t *testing.T) {
		w, offer, land := late(t)
		land()
		_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
		refused(t, err, bridge.ErrIdentityAlreadyActive)
		if got := stateOf(t, w, offer); got != bridge.StateAccepted {
			t.Errorf("the invitation is %s", got)
		}
	})
	t.Run("it never has an effect", func(t *testing.T) {
		w, offer, _ := late(t)
		w.Clock.Advance(time.Hour)
		if swept, err := w.Service.Sweep(t.Context()); err != nil || swept.Expired != 1 {
			t.Errorf("%+v, %v", swept, err)
		}
		if got := stateOf(t, w, offer); got != bridge.StateExpired {
			t.Errorf("the invitation is %s", got)
		}
	})
}

// TestLateWrite: a request that takes effect after the invitation has ended is
// noticed for ten minutes. The account stays the invitee's.
func TestLateWrite(t *testing.T) {
	for _, ends := range []string{"revoked", "expired"} {
		t.Run(ends, func(t *testing.T) {
			var warned []string
			w := bridgetest.New(t, func(c *bridge.Config) {
				c.Unaccepted = bridge.DeleteAtExpiry
				c.Warn = func(text string, _ ...any) { warned = append(warned, text) }
			})
			offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Minute})
			land := lateAccept(t, w, offer)
			w.Clock.Advance(30 * time.Second)
			var err error
			if ends == "revoked" {
				_, err = w.Service.Revoke(t.Context(), offer.Invitation.ID)
			} else {
				w.Clock.Advance(bridgetest.Lease)
				_, err = w.Service.Sweep(t.Context())
				_, _ = w.Service.Sweep(t.Context())
			}
			if err != nil || string(stateOf(t, w, offer)) != ends {
				t.Fatalf("%s, %v", stateOf(t, w, offer), err)
			}
			w.Clock.Advance(9 * time.Minute)
			if _, err := w.Service.Sweep(t.Context()); err != nil || !w.Kratos.Exists(offer.Invitation.IdentityID) {
				t.Fatalf("deleted while a write may arrive, %v", err)
			}
			land()
			w.Clock.Advance(time.Minute)
			if _, err := w.Service.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			inv, err := w.Service.Get(t.Context(), offer.Invitation.ID)
			if err != nil || inv.State != bridge.StateAccepted || (ends == "revoked") == inv.RevokedAt.IsZero() {
				t.Errorf("%+v, %v", inv, err)
			}
			messages, _, err := w.Service.Messages(t.Context(), bridge.MessageQuery{InvitationID: inv.ID, Limit: 1})
			if err != nil || messages[0].Payload.Type != bridge.EventPostPassword || !messages[0].Payload.Data.Late || len(warned) != 1 {
				t.Errorf("notified of %+v, %v; warned of %q", messages[0].Payload, err, warned)
			}
			if w.Kratos.SignIn(t.Context(), email, password) != nil {
				t.Error("the invitee cannot sign in")
			}
		})
	}
}
