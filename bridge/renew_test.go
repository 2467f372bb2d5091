package bridge_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

const day = 24 * time.Hour // the lifespan of the world

// told counts the letters to the invitees.
func told(t *testing.T, w *bridgetest.World) int {
	t.Helper()
	return len(w.Told(t, bridge.EndpointCourier))
}

func renew(t *testing.T, w *bridgetest.World, token string) {
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
			if _, err := w.Service.Expire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		renew(t, w, offer.Token.Reveal())
		inv, err := w.Service.Get(t.Context(), offer.Invitation.ID)
		if err != nil || inv.State != bridge.StatePending || inv.ExpiresAt.Sub(w.Clock.Now()) != day || told(t, w) != 2 {
			t.Fatalf("%+v, %v, %d letters", inv, err, told(t, w))
		}
		_, err = w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		refused(t, err, bridge.ErrExpired)

		// The cooldown, then a repetition that gives no more time.
		w.Clock.Advance(time.Minute - time.Microsecond)
		renew(t, w, offer.Token.Reveal())
		if n := told(t, w); n != 2 {
			t.Errorf("%d letters within the cooldown", n)
		}
		w.Clock.Advance(time.Microsecond)
		renew(t, w, offer.Token.Reveal())
		again, err := w.Service.Get(t.Context(), inv.ID)
		if err != nil || !again.ExpiresAt.Equal(inv.ExpiresAt) || told(t, w) != 3 {
			t.Errorf("the letter was not repeated: %+v, %v, %d letters", again, err, told(t, w))
		}

		// The letter's token works.
		claimed, _, err := w.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 10, time.Minute)
		if err != nil || len(claimed) == 0 {
			t.Fatal(claimed, err)
		}
		p := claimed[len(claimed)-1].Dispatch.Payload
		if p.Data.Invitation.Email != email {
			t.Errorf("the letter goes to %s", p.Data.Invitation.Email)
		}
		if _, err := w.Service.Accept(t.Context(), p.Data.Token, password); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRenewWhomTheInviterDidNotMail(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email, Quiet: true})
	w.Clock.Advance(day)
	renew(t, w, offer.Token.Reveal())
	if n := told(t, w); n != 1 {
		t.Errorf("%d letters", n)
	}
}

func TestRenewNothing(t *testing.T) {
	w := bridgetest.New(t)
	offers := map[string]bridge.Offer{}
	for _, name := range []string{"pending", "accepted", "revoked", "gone", "active", "superseded"} {
		offers[name] = invite(t, w, bridge.InviteRequest{Email: name + "@example.com"})
	}
	accept(t, w, offers["accepted"], password)
	if _, err := w.Service.Revoke(t.Context(), offers["revoked"].Invitation.ID); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Hour)
	before := told(t, w)
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
	if n := told(t, w); n != before {
		t.Errorf("%d letters, not %d", n, before)
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
	if n := told(t, w); n != 2 {
		t.Errorf("%d letters", n)
	}
}

func TestRenewWhileNobodyAnswers(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(day)
	w.Kratos.Down()
	refused(t, w.Service.Renew(t.Context(), offer.Token.Reveal()), bridge.ErrKratosAway)
	if err := w.Kratos.Up(); err != nil {
		t.Fatal(err)
	}
	w.Store.FailCommits(errors.New("no space left on device"))
	refused(t, w.Service.Renew(t.Context(), offer.Token.Reveal()), bridge.ErrStoreAway)
	w.Store.FailCommits(nil)
	renew(t, w, offer.Token.Reveal())
	if n := told(t, w); n != 2 {
		t.Errorf("%d letters", n)
	}
}

func TestRenewWithNobodyToTell(t *testing.T) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.Endpoints = nil })
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(day)
	renew(t, w, offer.Token.Reveal())
	if _, err := w.Service.Look(t.Context(), offer.Token.Reveal()); w.Service.Renewable() || err == nil {
		t.Errorf("it was renewed for nobody: %v", err)
	}
}

// TestRenewAfterANewerOneWasRevoked: the inviter's last word about an address
// stands.
func TestRenewAfterANewerOneWasRevoked(t *testing.T) {
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
	before := told(t, w)
	renew(t, w, old.Token.Reveal())
	inv, err := w.Service.Get(t.Context(), old.Invitation.ID)
	if err != nil || inv.State != bridge.StateExpired || told(t, w) != before {
		t.Errorf("%+v, %v, %d letters", inv, err, told(t, w)-before)
	}
}

// TestRenewIsNoWayBack: who had an account, and was deactivated, does not get it
// back by an old letter.
func TestRenewIsNoWayBack(t *testing.T) {
	w := bridgetest.New(t)
	old := invite(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(day)
	newer := invite(t, w, bridge.InviteRequest{Email: email})
	if _, err := w.Service.Accept(t.Context(), newer.Token.Reveal(), password); err != nil {
		t.Fatal(err)
	}
	w.Kratos.Deactivate(newer.Invitation.IdentityID)
	before := told(t, w)
	renew(t, w, old.Token.Reveal())

	other := invite(t, w, bridge.InviteRequest{Email: "other@example.com"})
	w.Clock.Advance(day)
	w.Kratos.ActivateByHand(other.Invitation.IdentityID, password)
	w.Kratos.Deactivate(other.Invitation.IdentityID)
	renew(t, w, other.Token.Reveal())
	if n := told(t, w) - before; n != 1 { // that of the second invitation
		t.Errorf("%d letters", n)
	}
}

// TestRenewSlowsDown: an old link is no means to fill a mailbox.
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
			if err := w.Service.FinishMessage(t.Context(), c, bridge.Result{Outcome: bridge.Sent}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := told(t, w); n < 8 || n > 20 {
		t.Errorf("%d letters in 30 days, asked for each minute", n)
	}
}

func TestRenewable(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*bridge.Config)
		want   bool
	}{
		"letters":            {func(*bridge.Config) {}, true},
		"nobody is told":     {func(c *bridge.Config) { c.Endpoints = nil }, false},
		"hooks alone":        {func(c *bridge.Config) { c.Endpoints = func(bridge.Event) []string { return []string{bridgetest.Hook} } }, false},
		"identities deleted": {func(c *bridge.Config) { c.Unaccepted = bridge.DeleteAtExpiry }, false},
	} {
		if got := bridgetest.New(t, c.change).Service.Renewable(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
