package bridge_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

func TestAccept(t *testing.T) {
	t.Run("once", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		accept(t, w, offer, password)
		_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		refused(t, err, bridge.ErrAccepted)
		_, err = w.Service.Preview(t.Context(), offer.Token.Reveal())
		refused(t, err, bridge.ErrAccepted)
	})
	t.Run("every token is invalid after the first", func(t *testing.T) {
		w := bridgetest.New(t)
		first := invite(t, w, bridge.InviteRequest{Email: email})
		second := invite(t, w, bridge.InviteRequest{Email: email})
		accept(t, w, second, password)
		_, err := w.Service.Accept(t.Context(), first.Token.Reveal(), "another-Good-1")
		refused(t, err, bridge.ErrAccepted)
	})
	t.Run("a weak password costs nothing", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		for _, weak := range []string{"", "short", email} {
			_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), weak)
			refused(t, err, bridge.ErrPasswordPolicyViolation)
		}
		accept(t, w, offer, password)
	})
	t.Run("expired", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Hour})
		w.Clock.Advance(time.Hour)
		_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		refused(t, err, bridge.ErrExpired)
		if w.Kratos.Active(offer.Invitation.IdentityID) {
			t.Error("the identity became active")
		}
	})
	t.Run("revoked", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		if _, err := w.Service.Revoke(t.Context(), offer.Invitation.ID); err != nil {
			t.Fatal(err)
		}
		_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		refused(t, err, bridge.ErrRevoked)
	})
	t.Run("unknown and malformed tokens", func(t *testing.T) {
		w := bridgetest.New(t)
		for _, token := range []string{bridge.MintToken().Reveal(), "", "x", "confirm"} {
			_, err := w.Service.Accept(t.Context(), token, password)
			refused(t, err, bridge.ErrNotFound)
		}
	})
	t.Run("the identity is gone", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		w.Kratos.Remove(offer.Invitation.IdentityID)
		_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		refused(t, err, bridge.ErrRevoked)
		if got := stateOf(t, w, offer); got != bridge.StateRevoked {
			t.Errorf("the invitation is %s", got)
		}
	})
	t.Run("the identity became active elsewhere", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		w.Kratos.ActivateByHand(offer.Invitation.IdentityID, "theirs")
		_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		refused(t, err, bridge.ErrRevoked)
		if w.Kratos.SignIn(t.Context(), email, "theirs") != nil {
			t.Error("its password was changed")
		}
		if got := stateOf(t, w, offer); got != bridge.StateRevoked {
			t.Errorf("the invitation is %s", got)
		}
	})
}

func TestAcceptAtOnce(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	const callers = 1000
	var won atomic.Int32
	var winner atomic.Value
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			mine := fmt.Sprintf("%s-%d", password, i)
			_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), mine)
			switch {
			case err == nil:
				won.Add(1)
				winner.Store(mine)
			case !errors.Is(err, bridge.ErrAcceptInProgress) && !errors.Is(err, bridge.ErrAccepted):
				t.Errorf("caller %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d callers won", won.Load())
	}
	if err := w.Kratos.SignIn(t.Context(), email, winner.Load().(string)); err != nil {
		t.Errorf("the winner cannot sign in: %v", err)
	}
	if n := w.Kratos.Puts(); n != 1 {
		t.Errorf("%d writes of a password", n)
	}
	notified := 0
	for _, event := range w.EventsFor(t, bridgetest.Hook) {
		if event == bridge.EventPostPassword {
			notified++
		}
	}
	if notified != 1 {
		t.Errorf("hooks were notified %d times", notified)
	}
}

func TestAcceptWhenKratosIsDown(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Kratos.Down()
	_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	refused(t, err, bridge.ErrKratosUnavailable)
	if err := w.Kratos.Up(); err != nil {
		t.Fatal(err)
	}
	accept(t, w, offer, password) // at once: nothing was written
}

// TestUnfinishedClaims: the process dies, or Kratos never responds, and no
// caller comes back. The sweep reconciles the claim either way.
func TestUnfinishedClaims(t *testing.T) {
	expired := bridgetest.Lease + time.Second
	for _, c := range []struct {
		name  string
		fault kratostest.Fault
		store func(nth int) error
		want  bridge.State
	}{
		{"Kratos wrote, the response was lost", bridgetest.CutAfter, nil, bridge.StateAccepted},
		{"Kratos did not write", bridgetest.CutBefore, nil, bridge.StatePending},
		{"Kratos wrote, then the store failed", kratostest.Fault{}, failFrom(3), bridge.StateAccepted},
		{"Kratos was not called", bridgetest.CutBefore, failFrom(2), bridge.StatePending},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := bridgetest.New(t)
			offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Second})
			restore := w.Kratos.OnPut(c.fault)
			w.Store.FailUpdates(c.store)
			if _, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password); err == nil {
				t.Fatal("the acceptance succeeded")
			}
			restore()
			w.Store.FailUpdates(nil)
			w.Clock.Advance(expired)
			restore = w.Kratos.OnGet(bridgetest.Answer(503))
			if swept, err := w.Service.Sweep(t.Context()); err != nil || swept.Reconciled != 1 || stateOf(t, w, offer) != bridge.StatePending {
				t.Fatalf("a sweep that cannot read the identity: %+v, %v", swept, err)
			}
			restore()
			w.Clock.Advance(expired)
			swept, err := w.Service.Sweep(t.Context())
			if err != nil || swept.Reconciled != 1 {
				t.Fatalf("swept %+v, %v", swept, err)
			}
			want := c.want
			if want == bridge.StatePending {
				want = bridge.StateExpired // during the claim
			}
			if got := stateOf(t, w, offer); got != want {
				t.Errorf("the invitation is %s, want %s", got, want)
			}
		})
	}
}

// TestUnreadableIdentityKeepsTheClaim: the outcome of a claim is read before
// another caller takes it over. If the read fails, nothing is decided.
func TestUnreadableIdentityKeepsTheClaim(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	restore := w.Kratos.OnPut(bridgetest.CutAfter)
	_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	refused(t, err, bridge.ErrKratosUnavailable)
	restore()
	restore = w.Kratos.OnGet(bridgetest.Answer(401))
	w.Clock.Advance(3 * time.Second)
	_, err = w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	refused(t, err, bridge.ErrKratosRejected)
	restore()
	if n := w.Kratos.Puts(); n != 1 {
		t.Errorf("%d writes", n)
	}
	_, err = w.Service.Accept(t.Context(), offer.Token.Reveal(), "another-Good-1")
	refused(t, err, bridge.ErrAccepted)
	if w.Kratos.SignIn(t.Context(), email, password) != nil {
		t.Error("the password was replaced")
	}
}

func TestAcceptOutlivesItsCaller(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	ctx, leave := cancelableContext(t)
	w.Kratos.OnPut(kratostest.Fault{Arrived: leave})
	if _, err := w.Service.Accept(ctx, offer.Token.Reveal(), password); err != nil {
		t.Errorf("the caller left and the acceptance was not finished: %v", err)
	}
	if got := stateOf(t, w, offer); got != bridge.StateAccepted {
		t.Errorf("the invitation is %s", got)
	}
}

func TestAcceptReportsFailedCommit(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Kratos.Remove(offer.Invitation.IdentityID)
	w.Store.FailUpdates(failFrom(2))
	_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	refused(t, err, bridge.ErrStoreUnavailable)
}
