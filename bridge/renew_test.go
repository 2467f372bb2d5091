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

func renew(t *testing.T, w *bridgetest.Harness, token string) {
	t.Helper()
	if err := w.Service.Renew(t.Context(), token); err != nil {
		t.Fatal(err)
	}
}

func TestRenew(t *testing.T) {
	for _, swept := range []bool{false, true} {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		w.Clock.Advance(day)
		if swept {
			if _, err := w.Service.ExpireDue(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		renew(t, w, offer.Token.Reveal())
		inv, err := w.Service.Get(t.Context(), offer.Invitation.ID)
		if err != nil || inv.State != bridge.StatePending || inv.ExpiresAt.Sub(w.Clock.Now()) != day || emailsSent(t, w) != 2 {
			t.Fatalf("%+v, %v, %d emails", inv, err, emailsSent(t, w))
		}
		_, err = w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		refused(t, err, bridge.ErrExpired)

		// No email within the cooldown; then one that does not move the expiry.
		w.Clock.Advance(time.Minute - time.Microsecond)
		renew(t, w, offer.Token.Reveal())
		if n := emailsSent(t, w); n != 2 {
			t.Errorf("%d emails within the cooldown", n)
		}
		w.Clock.Advance(time.Microsecond)
		renew(t, w, offer.Token.Reveal())
		again, err := w.Service.Get(t.Context(), inv.ID)
		if err != nil || !again.ExpiresAt.Equal(inv.ExpiresAt) || emailsSent(t, w) != 3 {
			t.Errorf("the email was not repeated: %+v, %v, %d emails", again, err, emailsSent(t, w))
		}

		// The token in the email works.
		claimed, _, err := w.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 10, time.Minute)
		if err != nil || len(claimed) == 0 {
			t.Fatal(claimed, err)
		}
		p := claimed[len(claimed)-1].Dispatch.Payload
		if p.Data.Invitation.Email != email {
			t.Errorf("the email goes to %s", p.Data.Invitation.Email)
		}
		if _, err := w.Service.Accept(t.Context(), p.Data.Token, password); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRenewQuietInvitation(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email, Quiet: true})
	w.Clock.Advance(day)
	renew(t, w, offer.Token.Reveal())
	if n := emailsSent(t, w); n != 1 {
		t.Errorf("%d emails", n)
	}
}

func TestRenewSendsNothing(t *testing.T) {
	w := bridgetest.New(t)
	offers := map[string]bridge.IssuedInvitation{}
	for _, name := range []string{"pending", "accepted", "revoked", "gone", "active", "superseded"} {
		offers[name] = invite(t, w, bridge.InviteRequest{Email: name + "@example.com"})
	}
	accept(t, w, offers["accepted"], password)
	if _, err := w.Service.Revoke(t.Context(), offers["revoked"].Invitation.ID); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Hour)
	before := emailsSent(t, w)
	renew(t, w, offers["pending"].Token.Reveal())
	w.Clock.Advance(day)
	w.Kratos.Remove(offers["gone"].Invitation.IdentityID)
	w.Kratos.ActivateByHand(offers["active"].Invitation.IdentityID, "theirs")
	invite(t, w, bridge.InviteRequest{Email: "superseded@example.com"})
	before++
	for _, name := range []string{"accepted", "revoked", "gone", "active", "superseded"} {
		renew(t, w, offers[name].Token.Reveal())
		if inv, err := w.Service.Get(t.Context(), offers[name].Invitation.ID); err != nil || inv.State == bridge.StatePending {
			t.Errorf("%s: %s, %v", name, inv.State, err)
		}
	}
	renew(t, w, bridge.MintToken().Reveal())
	renew(t, w, "no token")
	if n := emailsSent(t, w); n != before {
		t.Errorf("%d emails, want %d", n, before)
	}
}

func TestRenewAtOnce(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(day)
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			if err := w.Service.Renew(t.Context(), offer.Token.Reveal()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := emailsSent(t, w); n != 2 {
		t.Errorf("%d emails", n)
	}
}

func TestRenewDuringOutage(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(day)
	w.Kratos.Down()
	refused(t, w.Service.Renew(t.Context(), offer.Token.Reveal()), bridge.ErrKratosUnavailable)
	if err := w.Kratos.Up(); err != nil {
		t.Fatal(err)
	}
	w.Store.FailCommits(errors.New("no space left on device"))
	refused(t, w.Service.Renew(t.Context(), offer.Token.Reveal()), bridge.ErrStoreUnavailable)
	w.Store.FailCommits(nil)
	renew(t, w, offer.Token.Reveal())
	if n := emailsSent(t, w); n != 2 {
		t.Errorf("%d emails", n)
	}
}

func TestRenewWithoutEndpoints(t *testing.T) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.EndpointsFor = nil })
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(day)
	renew(t, w, offer.Token.Reveal())
	if _, err := w.Service.Preview(t.Context(), offer.Token.Reveal()); w.Service.Renewable() || err == nil {
		t.Errorf("it was renewed without an endpoint: %v", err)
	}
}

// TestRenewAfterNewerRevoked: the inviter's latest decision about an address
// counts.
func TestRenewAfterNewerRevoked(t *testing.T) {
	w := bridgetest.New(t)
	old := invite(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(day)
	newer := invite(t, w, bridge.InviteRequest{Email: email})
	if old.Invitation.ID == newer.Invitation.ID {
		t.Fatal("there is no newer invitation")
	}
	if _, err := w.Service.Revoke(t.Context(), newer.Invitation.ID); err != nil {
		t.Fatal(err)
	}
	before := emailsSent(t, w)
	renew(t, w, old.Token.Reveal())
	inv, err := w.Service.Get(t.Context(), old.Invitation.ID)
	if err != nil || inv.State != bridge.StateExpired || emailsSent(t, w) != before {
		t.Errorf("%+v, %v, %d emails", inv, err, emailsSent(t, w)-before)
	}
}

// TestRenewAfterDeactivation: an old email does not give a deactivated account
// back.
func TestRenewAfterDeactivation(t *testing.T) {
	w := bridgetest.New(t)
	old := invite(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(day)
	newer := invite(t, w, bridge.InviteRequest{Email: email})
	if _, err := w.Service.Accept(t.Context(), newer.Token.Reveal(), password); err != nil {
		t.Fatal(err)
	}
	w.Kratos.Deactivate(newer.Invitation.IdentityID)
	before := emailsSent(t, w)
	renew(t, w, old.Token.Reveal())

	other := invite(t, w, bridge.InviteRequest{Email: "other@example.com"})
	w.Clock.Advance(day)
	w.Kratos.ActivateByHand(other.Invitation.IdentityID, password)
	w.Kratos.Deactivate(other.Invitation.IdentityID)
	renew(t, w, other.Token.Reveal())
	if n := emailsSent(t, w) - before; n != 1 { // the one of the second invitation
		t.Errorf("%d emails", n)
	}
}

// TestRenewSlowsDown: an old link cannot be used to flood a mailbox.
func TestRenewSlowsDown(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	for range 60 * 24 * 30 {
		w.Clock.Advance(time.Minute)
		renew(t, w, offer.Token.Reveal())
		claimed, _, err := w.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 10, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range claimed {
			if err := w.Service.FinishMessages(t.Context(), bridge.FinishedMessage{Claimed: c, Result: bridge.SendResult{Outcome: bridge.AttemptSent}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := emailsSent(t, w); n < 8 || n > 20 {
		t.Errorf("%d emails in 30 days, requested every minute", n)
	}
}

func TestRenewable(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*bridge.Config)
		want   bool
	}{
		"email":        {func(*bridge.Config) {}, true},
		"no endpoints": {func(c *bridge.Config) { c.EndpointsFor = nil }, false},
		"hooks alone": {func(c *bridge.Config) {
			c.EndpointsFor = func(bridge.Event) []string { return []string{bridgetest.Hook} }
		}, false},
		"identities deleted": {func(c *bridge.Config) { c.Unaccepted = bridge.DeleteAtExpiry }, false},
	} {
		if got := bridgetest.New(t, c.change).Service.Renewable(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestRevivalAsksHooks: reviving an expired invitation is inviting, so hooks
// are called.
func TestRevivalAsksHooks(t *testing.T) {
	var calls []bridge.Payload
	refuse := false
	w := bridgetest.New(t, func(c *bridge.Config) {
		c.Hooks = hookFunc(func(_ context.Context, p bridge.Payload) error {
			if calls = append(calls, p); refuse {
				return bridge.ErrHookRefused
			}
			return nil
		})
	})
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	if _, err := w.Service.Resend(t.Context(), offer.Invitation.ID); err != nil || len(calls) != 1 {
		t.Errorf("a resend of a pending one: %v, %d calls of hooks", err, len(calls))
	}
	w.Clock.Advance(2 * day)
	refuse = true
	_, err := w.Service.Resend(t.Context(), offer.Invitation.ID)
	refused(t, err, bridge.ErrHookRefused)
	before := emailsSent(t, w)
	renew(t, w, offer.Token.Reveal()) // the holder of an old link learns nothing
	if len(calls) != 3 || emailsSent(t, w) != before || stateOf(t, w, offer) != bridge.StateExpired {
		t.Errorf("%d calls of hooks, %d emails, %s", len(calls), emailsSent(t, w), stateOf(t, w, offer))
	}
	refuse = false
	renew(t, w, offer.Token.Reveal())
	if len(calls) != 4 || emailsSent(t, w) != before+1 || stateOf(t, w, offer) != bridge.StatePending {
		t.Errorf("%d calls of hooks, %d emails, %s", len(calls), emailsSent(t, w), stateOf(t, w, offer))
	}
	for _, p := range calls {
		if p.Type != bridge.EventPreInvitation {
			t.Errorf("hooks were called with %s", p.Type)
		}
	}
}

func TestRenewDisabled(t *testing.T) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.Renew = false })
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(2 * day)
	renew(t, w, offer.Token.Reveal())
	if w.Service.Renewable() || emailsSent(t, w) != 1 {
		t.Errorf("renewable: %v, %d emails", w.Service.Renewable(), emailsSent(t, w))
	}
}
