package bridge_test

import (
	"context"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

const leaseOfTests = 20 * time.Second // hooks 10 s, Kratos 5 s, and 5 s more

// cutAccept begins an acceptance whose answer is lost.
func cutAccept(t *testing.T, w *bridgetest.World, offer bridge.Offer, fault kratostest.Fault) {
	t.Helper()
	mend := w.Kratos.OnPut(fault)
	defer mend()
	_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	refused(t, err, bridge.ErrKratosAway)
}

// tries accepts with another password, which is refused.
func tries(t *testing.T, w *bridgetest.World, offer bridge.Offer, want *bridge.Error) {
	t.Helper()
	_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), "another-Good-1")
	refused(t, err, want)
}

// TestClaimsOfTheDead: a process died in the middle of an acceptance. What came
// of it is read before a token is taken.
func TestClaimsOfTheDead(t *testing.T) {
	t.Run("Kratos had done it, and the owner has a new password", func(t *testing.T) {
		for name, wait := range map[string]time.Duration{"within the lease": 3 * time.Second, "after it": time.Minute, "after the expiry": 2 * day} {
			t.Run(name, func(t *testing.T) {
				w := bridgetest.New(t)
				offer := invite(t, w, bridge.InviteRequest{Email: email})
				w.Store.FailUpdates(failFrom(3)) // killed before the last commit
				if _, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password); err == nil {
					t.Fatal("the commit was kept")
				}
				w.Restart(t)
				tries(t, w, offer, bridge.ErrAcceptInProgress) // what was sent may be on its way
				if err := w.Kratos.Activate(t.Context(), offer.Invitation.IdentityID, "chosen-Later-1"); err != nil {
					t.Fatal(err)
				}
				w.Clock.Advance(wait)
				tries(t, w, offer, bridge.ErrAccepted)
				if w.Kratos.SignIn(t.Context(), email, "chosen-Later-1") != nil || stateOf(t, w, offer) != bridge.StateAccepted {
					t.Errorf("the owner does not get in; the invitation is %s", stateOf(t, w, offer))
				}
			})
		}
	})
	t.Run("Kratos had not been asked", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		w.Store.FailUpdates(failFrom(2))
		_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		refused(t, err, bridge.ErrStoreAway)
		w.Restart(t)
		w.Clock.Advance(3 * time.Second)
		_, err = w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		if e := refusal(t, err, bridge.ErrAcceptInProgress); e.RetryAfter < 10*time.Second {
			t.Errorf("try again after %v, and the lease has longer to go", e.RetryAfter)
		}
		w.Clock.Advance(leaseOfTests)
		accept(t, w, offer, "another-Good-1")
	})
	t.Run("somebody used the account meanwhile", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		w.Store.FailUpdates(failFrom(2))
		_, _ = w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		w.Restart(t)
		used(t, w, offer.Invitation.IdentityID)
		w.Clock.Advance(3 * time.Second)
		tries(t, w, offer, bridge.ErrRevoked)
		if w.Kratos.Active(offer.Invitation.IdentityID) {
			t.Error("it is active")
		}
	})
}

// TestClaimsAndClocks: whoever would take over waits until both clocks say that
// the lease is over; whoever writes stops when either does.
func TestClaimsAndClocks(t *testing.T) {
	dead := func(t *testing.T) (*bridgetest.World, bridge.Offer) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		w.Store.FailUpdates(failFrom(2))
		_, _ = w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		w.Restart(t)
		return w, offer
	}
	t.Run("the wall clock jumps ahead", func(t *testing.T) {
		w, offer := dead(t)
		w.Clock.Set(time.Hour)
		if swept, err := w.Service.Sweep(t.Context()); err != nil || stateOf(t, w, offer) != bridge.StatePending {
			t.Errorf("%+v, %v", swept, err)
		}
		tries(t, w, offer, bridge.ErrAcceptInProgress)
		w.Clock.Advance(leaseOfTests)
		accept(t, w, offer, password)
	})
	t.Run("the wall clock goes back", func(t *testing.T) {
		w, offer := dead(t)
		w.Clock.Set(-time.Minute)
		w.Clock.Advance(leaseOfTests)
		tries(t, w, offer, bridge.ErrAcceptInProgress)
		w.Clock.Advance(time.Minute)
		accept(t, w, offer, password)
	})
	for name, stop := range map[string]func(*bridgetest.Clock){
		"the process was stopped past its lease": func(c *bridgetest.Clock) { c.Advance(time.Minute) },
		"the machine was":                        func(c *bridgetest.Clock) { c.Set(time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			w := bridgetest.New(t)
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			w.Store.FailUpdates(func(nth int) error {
				if nth == 2 { // behind the verdict, before the write
					stop(w.Clock)
				}
				return nil
			})
			tries(t, w, offer, bridge.ErrKratosAway)
			if n := w.Kratos.Puts(); n != 0 {
				t.Errorf("%d writes", n)
			}
		})
	}
	t.Run("a verdict that grew old is asked for again", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		w.Store.FailUpdates(func(nth int) error {
			if nth == 2 {
				w.Clock.Advance(time.Second)
				used(t, w, offer.Invitation.IdentityID)
			}
			return nil
		})
		tries(t, w, offer, bridge.ErrRevoked)
		if n := w.Kratos.Puts(); n != 0 {
			t.Errorf("%d writes to an account that was used", n)
		}
	})
}

// TestNothingBeginsAfterExpiry, whatever claim there is.
func TestNothingBeginsAfterExpiry(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: 8 * time.Second})
	mend := w.Kratos.OnPut(bridgetest.Answer(500))
	for range 3 {
		tries(t, w, offer, bridge.ErrKratosAway)
		w.Clock.Advance(3 * time.Second)
	}
	mend()
	tries(t, w, offer, bridge.ErrExpired)
	w.Clock.Advance(time.Minute)
	if _, err := w.Service.Sweep(t.Context()); err != nil || stateOf(t, w, offer) != bridge.StateExpired || w.Kratos.Active(offer.Invitation.IdentityID) {
		t.Errorf("%s, %v", stateOf(t, w, offer), err)
	}
}

// hookFunc is an operator's hook.
type hookFunc func(context.Context, bridge.Payload) error

func (f hookFunc) Ask(ctx context.Context, p bridge.Payload) error { return f(ctx, p) }

// TestRevokeWins: a revocation during an acceptance is recorded, and nothing is
// written after it.
func TestRevokeWins(t *testing.T) {
	for name, outcome := range map[string]error{"a hook consents afterwards": nil, "a hook refuses afterwards": bridge.ErrHookRefused} {
		t.Run(name, func(t *testing.T) {
			asked, answer := make(chan struct{}), make(chan error)
			w := bridgetest.New(t, func(c *bridge.Config) {
				c.Hooks = hookFunc(func(_ context.Context, p bridge.Payload) error {
					if p.Type != bridge.EventPrePassword {
						return nil
					}
					close(asked)
					return <-answer
				})
			})
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			done := make(chan error)
			go func() {
				_, err := w.Service.Accept(context.WithoutCancel(t.Context()), offer.Token.Reveal(), password)
				done <- err
			}()
			<-asked
			for range 2 { // asking again is no error
				inv, err := w.Service.Revoke(t.Context(), offer.Invitation.ID)
				if err != nil || inv.State != bridge.StatePending || inv.View().RevokeRequestedAt.IsZero() {
					t.Fatalf("%+v, %v", inv, err)
				}
			}
			tries(t, w, offer, bridge.ErrRevoked)
			_, err := w.Service.Look(t.Context(), offer.Token.Reveal())
			refused(t, err, bridge.ErrRevoked)
			_, err = w.Service.Resend(t.Context(), offer.Invitation.ID)
			refused(t, err, bridge.ErrRevoked)
			answer <- outcome
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
			w.Clock.Advance(3 * time.Second) // nobody takes over, and nobody repeats
			tries(t, w, offer, bridge.ErrRevoked)
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
	t.Run("whatever Kratos does", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		cutAccept(t, w, offer, bridgetest.CutBefore)
		w.Clock.Advance(leaseOfTests)
		if _, err := w.Service.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Kratos.Down()
		if inv, err := w.Service.Revoke(t.Context(), offer.Invitation.ID); err != nil || inv.State != bridge.StateRevoked {
			t.Errorf("%s, %v", inv.State, err)
		}
	})
}

// TestLateWrite: a request that takes effect after the invitation has ended is
// noticed, for ten minutes; the account stays the invitee's.
func TestLateWrite(t *testing.T) {
	for _, ends := range []string{"revoked", "expired"} {
		t.Run(ends, func(t *testing.T) {
			var warned []string
			w := bridgetest.New(t, func(c *bridge.Config) {
				c.IdentityBudget, c.Unaccepted = 200*time.Millisecond, bridge.DeleteAtExpiry
				c.Warn = func(text string, _ ...any) { warned = append(warned, text) }
			})
			offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Minute})
			hold := make(chan struct{})
			mend := w.Kratos.OnPut(kratostest.Fault{Hold: hold, Times: 1})
			defer mend()
			_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
			refused(t, err, bridge.ErrKratosAway)
			w.Clock.Advance(30 * time.Second)
			if ends == "revoked" {
				_, err = w.Service.Revoke(t.Context(), offer.Invitation.ID)
			} else {
				w.Clock.Advance(30 * time.Second)
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
			close(hold)
			for !w.Kratos.Active(offer.Invitation.IdentityID) {
				time.Sleep(time.Millisecond)
			}
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
				t.Error("the invitee does not get in")
			}
		})
	}
}

// TestSickIdentity: one that Kratos cannot show is looked at again later, and
// delays nobody.
func TestSickIdentity(t *testing.T) {
	unreadable, warned := 0, 0
	w := bridgetest.New(t, func(c *bridge.Config) {
		c.Count = func(tally bridge.Tally) { unreadable += tally.Unreadable }
		c.Warn = func(string, ...any) { warned++ }
	})
	var offers []bridge.Offer
	for _, address := range []string{"a@example.com", "b@example.com", "c@example.com"} {
		offers = append(offers, invite(t, w, bridge.InviteRequest{Email: address}))
		cutAccept(t, w, offers[len(offers)-1], bridgetest.CutAfter)
	}
	sick := bridgetest.Answer(500)
	sick.Times = 1
	w.Kratos.OnGet(sick)
	w.Clock.Advance(leaseOfTests)
	if _, err := w.Service.Sweep(t.Context()); err != nil {
		t.Errorf("the sweep ended: %v", err)
	}
	settled := func() (n int) {
		for _, offer := range offers {
			if stateOf(t, w, offer) == bridge.StateAccepted {
				n++
			}
		}
		return n
	}
	if n := settled(); n != 2 || unreadable != 1 || warned != 1 {
		t.Errorf("%d settled, %d counted, %d warnings", n, unreadable, warned)
	}
	if _, err := w.Service.Sweep(t.Context()); err != nil || settled() != 2 {
		t.Errorf("it was looked at again at once, %v", err)
	}
	w.Clock.Advance(5 * time.Second)
	if _, err := w.Service.Sweep(t.Context()); err != nil || settled() != 3 {
		t.Errorf("%d settled, %v", settled(), err)
	}
	w.Kratos.Down()
	if _, err := w.Service.Sweep(t.Context()); err != nil {
		t.Error("a sweep with nothing to look at asks Kratos")
	}
}
