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

func accept(t *testing.T, w *bridgetest.World, offer bridge.Offer, password string) {
	t.Helper()
	inv, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	if err != nil {
		t.Fatalf("accept: %v", err)
	}
	if inv.State != bridge.StateAccepted || inv.AcceptedAt.IsZero() {
		t.Fatalf("the answer says %s at %s", inv.State, inv.AcceptedAt)
	}
	if !w.Kratos.Active(inv.IdentityID) || w.Kratos.SignIn(t.Context(), inv.Email, password) != nil {
		t.Fatal("the identity cannot sign in")
	}
}

// stateOf reads what is stored, through the public door.
func stateOf(t *testing.T, w *bridgetest.World, offer bridge.Offer) bridge.State {
	t.Helper()
	inv, err := w.Service.Get(t.Context(), offer.Invitation.ID)
	if err != nil {
		t.Fatal(err)
	}
	return inv.State
}

func TestAccept(t *testing.T) {
	t.Run("once", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		accept(t, w, offer, password)
		_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		refused(t, err, bridge.ErrAccepted)
		_, err = w.Service.Look(t.Context(), offer.Token.Reveal())
		refused(t, err, bridge.ErrAccepted)
	})
	t.Run("every token dies with the first", func(t *testing.T) {
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
			refused(t, err, bridge.ErrPasswordPolicy)
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
	t.Run("unknown and malformed", func(t *testing.T) {
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
		t.Errorf("Kratos was asked to set a password %d times", n)
	}
	told := 0
	for _, event := range w.Told(t, bridgetest.Hook) {
		if event == bridge.EventPostPassword {
			told++
		}
	}
	if told != 1 {
		t.Errorf("hooks are told %d times", told)
	}
}

func TestAcceptWhenKratosIsDown(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Kratos.Down()
	_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	refused(t, err, bridge.ErrKratosAway)
	if err := w.Kratos.Up(); err != nil {
		t.Fatal(err)
	}
	accept(t, w, offer, password) // at once: it is known that nothing was done
}

// TestUnfinishedClaims: the process dies, or Kratos never answers, and nobody
// comes back. The sweep settles it, one way or the other.
func TestUnfinishedClaims(t *testing.T) {
	lapse := 21 * time.Second // 10 s for hooks, 5 s for Kratos, and 5 s more
	for _, c := range []struct {
		name  string
		fault kratostest.Fault
		store func(nth int) error
		want  bridge.State
	}{
		{"Kratos had done it, the answer was lost", bridgetest.CutAfter, nil, bridge.StateAccepted},
		{"Kratos had not done it", bridgetest.CutBefore, nil, bridge.StatePending},
		{"Kratos had done it, then the store failed", kratostest.Fault{}, failFrom(3), bridge.StateAccepted},
		{"Kratos had not been asked", bridgetest.CutBefore, failFrom(2), bridge.StatePending},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := bridgetest.New(t)
			offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Second})
			mend := w.Kratos.OnPut(c.fault)
			w.Store.FailUpdates(c.store)
			if _, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password); err == nil {
				t.Fatal("the acceptance succeeded")
			}
			mend()
			w.Store.FailUpdates(nil)
			w.Clock.Advance(lapse)
			mend = w.Kratos.OnGet(bridgetest.Answer(503))
			if swept, err := w.Service.Sweep(t.Context()); err != nil || swept.Settled != 1 || stateOf(t, w, offer) != bridge.StatePending {
				t.Fatalf("a sweep that cannot read the identity: %+v, %v", swept, err)
			}
			mend()
			w.Clock.Advance(lapse)
			swept, err := w.Service.Sweep(t.Context())
			if err != nil || swept.Settled != 1 {
				t.Fatalf("swept %+v, %v", swept, err)
			}
			want := c.want
			if want == bridge.StatePending {
				want = bridge.StateExpired // it ran out while the claim was held
			}
			if got := stateOf(t, w, offer); got != want {
				t.Errorf("the invitation is %s, want %s", got, want)
			}
		})
	}
}

// failFrom makes every update from the nth on fail.
func failFrom(n int) func(int) error {
	return func(nth int) error {
		if nth >= n {
			return errors.New("input/output error")
		}
		return nil
	}
}

func TestRevokeSettlesALapsedClaim(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Kratos.OnPut(bridgetest.CutAfter)
	if _, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password); err == nil {
		t.Fatal("the acceptance succeeded")
	}
	w.Clock.Advance(21 * time.Second)
	_, err := w.Service.Revoke(t.Context(), offer.Invitation.ID)
	refused(t, err, bridge.ErrAccepted)
}

// TestUnreadableIdentityKeepsTheClaim: what became of a claim is read before a
// token is taken, and where that fails nothing is decided.
func TestUnreadableIdentityKeepsTheClaim(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	mend := w.Kratos.OnPut(bridgetest.CutAfter)
	_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	refused(t, err, bridge.ErrKratosAway)
	mend()
	mend = w.Kratos.OnGet(bridgetest.Answer(401))
	w.Clock.Advance(3 * time.Second)
	_, err = w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	refused(t, err, bridge.ErrKratosRejected)
	mend()
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
	ctx, leave := contextThatEnds(t)
	w.Kratos.OnPut(kratostest.Fault{Arrived: leave})
	if _, err := w.Service.Accept(ctx, offer.Token.Reveal(), password); err != nil {
		t.Errorf("the caller left and it was not finished: %v", err)
	}
	if got := stateOf(t, w, offer); got != bridge.StateAccepted {
		t.Errorf("the invitation is %s", got)
	}
}
