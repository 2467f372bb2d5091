package bridge_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestSlowCommitEndsTheClaim: a commit that eats up the lease leaves no time to
// ask Kratos, and so Kratos is not asked.
func TestSlowCommitEndsTheClaim(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Store.FailUpdates(func(nth int) error {
		if nth == 1 {
			w.Clock.Advance(16 * time.Second) // of the lease of 20 s
		}
		return nil
	})
	_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	refused(t, err, bridge.ErrKratosAway)
	if w.Kratos.Puts() != 0 {
		t.Error("Kratos was asked all the same")
	}
	w.Store.FailUpdates(nil)
	accept(t, w, offer, password)
}

// TestSomebodyElsesAddress: an identity that merely signs in with the address,
// or whose address has changed, is never activated for whoever has the mailbox.
func TestSomebodyElsesAddress(t *testing.T) {
	replace := func(t *testing.T, w *bridgetest.World, offer bridge.Offer, address string) {
		t.Helper()
		raw, err := w.Kratos.Read(t.Context(), offer.Invitation.IdentityID)
		if err != nil {
			t.Fatal(err)
		}
		var identity map[string]json.RawMessage
		if err := json.Unmarshal(raw, &identity); err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(map[string]any{
			"schema_id": identity["schema_id"], "state": identity["state"], "metadata_admin": identity["metadata_admin"],
			"traits": map[string]string{"email": address},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Kratos.Replace(t.Context(), offer.Invitation.IdentityID, string(body)); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("accepting", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: "wrong@example.com"})
		replace(t, w, offer, "right@example.com")
		_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		refused(t, err, bridge.ErrRevoked)
		if w.Kratos.Active(offer.Invitation.IdentityID) {
			t.Error("the identity was activated")
		}
	})
	t.Run("inviting again", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: "wrong@example.com"})
		replace(t, w, offer, "right@example.com")
		again := invite(t, w, bridge.InviteRequest{Email: "wrong@example.com"})
		if again.Invitation.IdentityID == offer.Invitation.IdentityID {
			t.Error("the identity of somebody else was invited")
		}
	})
	t.Run("deleting the unaccepted", func(t *testing.T) {
		w := bridgetest.New(t, func(c *bridge.Config) { c.Unaccepted = bridge.DeleteAtExpiry })
		wrong := invite(t, w, bridge.InviteRequest{Email: "wrong@example.com", ExpiresIn: time.Hour})
		replace(t, w, wrong, "right@example.com")
		right := invite(t, w, bridge.InviteRequest{Email: "right@example.com"})
		if stateOf(t, w, wrong) != bridge.StateRevoked { // its identity has another invitation now
			t.Error("the invitation of the wrong address is not closed")
		}
		w.Clock.Advance(time.Hour)
		if _, err := w.Service.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		accept(t, w, right, password)
	})
}

// TestLateEffect: what was asked of Kratos has its effect long after everybody
// gave it up. The invitation is accepted, then; nobody's password is replaced.
func TestLateEffect(t *testing.T) {
	late := func(t *testing.T) (w *bridgetest.World, offer bridge.Offer, land func()) {
		w = bridgetest.New(t, func(c *bridge.Config) { c.IdentityBudget = 200 * time.Millisecond })
		offer = invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Hour})
		hold := make(chan struct{})
		mend := w.Kratos.OnPut(kratostest.Fault{Hold: hold, Times: 1})
		_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		refused(t, err, bridge.ErrKratosAway)
		w.Clock.Advance(time.Minute)
		if swept, err := w.Service.Sweep(t.Context()); err != nil || swept.Settled != 1 {
			t.Fatalf("%+v, %v", swept, err)
		}
		return w, offer, func() {
			close(hold)
			for deadline := time.Now().Add(10 * time.Second); !w.Kratos.Active(offer.Invitation.IdentityID); time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the late request had no effect")
				}
			}
			mend()
		}
	}
	t.Run("somebody accepts again", func(t *testing.T) {
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
	t.Run("nobody comes back", func(t *testing.T) {
		w, offer, land := late(t)
		land()
		w.Clock.Advance(time.Hour)
		if n, err := w.Service.Expire(t.Context()); n != 1 || err != nil {
			t.Errorf("%d expired, %v", n, err)
		}
		if _, err := w.Service.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := stateOf(t, w, offer); got != bridge.StateAccepted {
			t.Errorf("the invitation is %s", got)
		}
	})
	t.Run("the inviter revokes", func(t *testing.T) {
		w, offer, land := late(t)
		land()
		_, err := w.Service.Revoke(t.Context(), offer.Invitation.ID)
		refused(t, err, bridge.ErrAccepted)
		if got := stateOf(t, w, offer); got != bridge.StateAccepted {
			t.Errorf("the invitation is %s", got)
		}
	})
	t.Run("the inviter invites again", func(t *testing.T) {
		w, offer, land := late(t)
		land()
		_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
		refused(t, err, bridge.ErrIdentityActive)
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

// TestOneIdentityHoldsUpNobody: what Kratos refuses to delete is tried again
// later; all that is due expires, and other identities are deleted.
func TestOneIdentityHoldsUpNobody(t *testing.T) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.Unaccepted = bridge.DeleteAtExpiry })
	first := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Hour})
	second := invite(t, w, bridge.InviteRequest{Email: "b@example.com", ExpiresIn: time.Hour})
	forbidden := bridgetest.Answer(http.StatusForbidden)
	forbidden.Method, forbidden.Route, forbidden.Times = http.MethodDelete, kratostest.RouteIdentity, 1
	w.Kratos.Inject(forbidden)
	w.Clock.Advance(time.Hour)
	if swept, err := w.Service.Sweep(t.Context()); err != nil || swept.Expired != 2 || swept.Watched != 2 {
		t.Errorf("swept %+v, %v", swept, err)
	}
	for _, offer := range []bridge.Offer{first, second} {
		if got := stateOf(t, w, offer); got != bridge.StateExpired {
			t.Errorf("an invitation is %s", got)
		}
		_, err := w.Service.Resend(t.Context(), offer.Invitation.ID)
		refused(t, err, bridge.ErrIdentityConflict)
	}
	if w.Kratos.Len() != 1 {
		t.Errorf("%d identities", w.Kratos.Len())
	}
	w.Clock.Advance(5 * time.Second)
	if _, err := w.Service.Sweep(t.Context()); err != nil || w.Kratos.Len() != 0 {
		t.Errorf("later: %d identities, %v", w.Kratos.Len(), err)
	}
}

func TestNoTokenForWhatHasRunOut(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Second})
	w.Kratos.OnPut(bridgetest.CutBefore)
	if _, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password); err == nil {
		t.Fatal("the acceptance succeeded")
	}
	w.Clock.Advance(2 * time.Second)
	_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
	refused(t, err, bridge.ErrAcceptInProgress)
}

func TestEmptyMetadataIsNone(t *testing.T) {
	w := bridgetest.New(t)
	r := bridge.InviteRequest{Email: email, MetadataAdmin: json.RawMessage(`{}`)}
	first, second := invite(t, w, r), invite(t, w, r)
	if first.Invitation.ID != second.Invitation.ID {
		t.Error("two invitations")
	}
}

// TestInviteIdentityThatIsGoneMeanwhile: the identity is looked at again behind
// the lock.
func TestInviteIdentityThatIsGoneMeanwhile(t *testing.T) {
	w := bridgetest.New(t)
	id := w.Kratos.Add(email, false)
	w.Kratos.Inject(kratostest.Fault{
		Method: http.MethodGet, Route: kratostest.RouteIdentity, Skip: 1, Times: 1,
		Arrived: func() { _ = w.Kratos.Delete(context.Background(), id) },
	})
	_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{IdentityID: id})
	refused(t, err, bridge.ErrIdentityConflict)
}

func TestAnswerIsNoPromiseIfItWasNotKept(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Kratos.Remove(offer.Invitation.IdentityID)
	w.Store.FailUpdates(failFrom(2))
	_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	refused(t, err, bridge.ErrStoreAway)
}
