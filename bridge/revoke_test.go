package bridge_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

func TestRevoke(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	first, err := w.Service.Revoke(t.Context(), offer.Invitation.ID)
	if err != nil || first.State != bridge.StateRevoked {
		t.Fatalf("%s, %v", first.State, err)
	}
	w.Clock.Advance(time.Minute)
	second, err := w.Service.Revoke(t.Context(), offer.Invitation.ID)
	if err != nil || !second.RevokedAt.Equal(first.RevokedAt) {
		t.Errorf("revoking twice: %v, %v", second.RevokedAt, err)
	}
	_, err = w.Service.Revoke(t.Context(), uuid.New())
	refused(t, err, bridge.ErrNotFound)
	accepted := invite(t, w, bridge.InviteRequest{Email: "b@example.com"})
	accept(t, w, accepted, password)
	_, err = w.Service.Revoke(t.Context(), accepted.Invitation.ID)
	refused(t, err, bridge.ErrAccepted)
}

func TestRevokeReconcilesExpiredClaim(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Kratos.OnPut(bridgetest.CutAfter)
	if _, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password); err == nil {
		t.Fatal("the acceptance succeeded")
	}
	w.Clock.Advance(bridgetest.Lease + time.Second)
	_, err := w.Service.Revoke(t.Context(), offer.Invitation.ID)
	refused(t, err, bridge.ErrAccepted)
}

// TestRevokeWins: a revocation during an acceptance is recorded, and nothing is
// written after it.
func TestRevokeWins(t *testing.T) {
	for name, outcome := range map[string]error{"a hook agrees afterwards": nil, "a hook refuses afterwards": bridge.ErrHookRefused} {
		t.Run(name, func(t *testing.T) {
			called, response := make(chan struct{}), make(chan error)
			w := bridgetest.New(t, func(c *bridge.Config) {
				c.Hooks = hookFunc(func(_ context.Context, p bridge.Payload) error {
					if p.Type != bridge.EventPrePassword {
						return nil
					}
					close(called)
					return <-response
				})
			})
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			done := make(chan error)
			go func() {
				_, err := w.Service.Accept(context.WithoutCancel(t.Context()), offer.Token.Reveal(), password)
				done <- err
			}()
			<-called
			for range 2 { // revoking again is no error
				inv, err := w.Service.Revoke(t.Context(), offer.Invitation.ID)
				if err != nil || inv.State != bridge.StatePending || inv.View().RevokeRequestedAt.IsZero() {
					t.Fatalf("%+v, %v", inv, err)
				}
			}
			acceptRefused(t, w, offer, bridge.ErrRevoked)
			_, err := w.Service.Preview(t.Context(), offer.Token.Reveal())
			refused(t, err, bridge.ErrRevoked)
			_, err = w.Service.Resend(t.Context(), offer.Invitation.ID)
			refused(t, err, bridge.ErrRevoked)
			response <- outcome
			refused(t, <-done, bridge.ErrRevoked)
			if got := stateOf(t, w, offer); got != bridge.StateRevoked || w.Kratos.Puts() != 0 {
				t.Errorf("the invitation is %s, after %d writes", got, w.Kratos.Puts())
			}
		})
	}
	for name, fault := range map[string]kratostest.Fault{"a write that had no effect": bridgetest.CutBefore, "a write that had its effect": bridgetest.CutAfter} {
		t.Run(name, func(t *testing.T) {
			w := bridgetest.New(t)
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			cutAccept(t, w, offer, fault)
			inv, err := w.Service.Revoke(t.Context(), offer.Invitation.ID)
			if err != nil || inv.State != bridge.StatePending {
				t.Fatalf("%s, %v", inv.State, err)
			}
			w.Clock.Advance(3 * time.Second) // no takeover, no second write
			acceptRefused(t, w, offer, bridge.ErrRevoked)
			inv, err = w.Service.Revoke(t.Context(), offer.Invitation.ID)
			if fault.Do == kratostest.CutAfter {
				refused(t, err, bridge.ErrAccepted)
			} else if err != nil || inv.State != bridge.StateRevoked {
				t.Errorf("%s, %v", inv.State, err)
			}
			if n := w.Kratos.Puts(); n != 1 {
				t.Errorf("%d writes", n)
			}
		})
	}
	t.Run("while Kratos is unavailable", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		cutAccept(t, w, offer, bridgetest.CutBefore)
		w.Clock.Advance(testLease)
		if _, err := w.Service.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Kratos.Down()
		if inv, err := w.Service.Revoke(t.Context(), offer.Invitation.ID); err != nil || inv.State != bridge.StateRevoked {
			t.Errorf("%s, %v", inv.State, err)
		}
	})
}
