package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// removed is what an acceptance removes from the account of a leaver, in its
// order.
var removed = []string{"password", "sessions", "lookup_secret", "oidc:test", "totp", "webauthn"}

// leaver is a holder with everything set up whose account is inactive by now.
func (l *live) leaver(t *testing.T) holder {
	t.Helper()
	h := l.newHolder(t)
	l.setCredential(t, h.id, "webauthn", secondFactorWA)
	do(t, l.SetState(t.Context(), h.id, "inactive"))
	return h
}

// TestTrust_reactivate: an account is handed over, and nothing of its former
// holder opens it.
func TestTrust_reactivate(t *testing.T) {
	t.Parallel()
	l := newLive(t, kratostest.StartEveryMethod(t, kratostest.Options{}))
	h := l.leaver(t)
	offer := l.invite(t, h.again())
	_, err := l.Service.Accept(t.Context(), offer.Token.Reveal(), invitees)
	early := refusal(t, err, bridge.ErrTooEarly)
	if early.RetryAfter <= 0 || early.RetryAfter > time.Hour {
		t.Errorf("it says to try again after %s", early.RetryAfter)
	}
	l.Clock.Advance(early.RetryAfter - time.Minute)
	_, err = l.Service.Accept(t.Context(), offer.Token.Reveal(), invitees)
	refused(t, err, bridge.ErrTooEarly)
	if inv := l.get(t, offer); !inv.CleaningBeganAt.IsZero() {
		t.Errorf("too early, and %q was removed", inv.Cleaned)
	}
	l.Clock.Advance(time.Minute)
	l.accept(t, offer, invitees)
	if inv := l.get(t, offer); !slices.Equal(inv.Cleaned, removed) {
		t.Errorf("removed: %q", inv.Cleaned)
	}
	l.notBroken(t, account{
		id: h.id, email: h.email, state: "active", holder: invitees, strangers: []string{formers}, former: &h,
		token: offer.Token.Reveal(), ended: bridge.ErrAccepted,
	})
}

// TestTrust_codes: codes and links that were sent before an account was handed
// over. They live for seconds here, and time is Kratos' own.
func TestTrust_codes(t *testing.T) {
	t.Parallel()
	const lifespan = 4 * time.Second
	config := fmt.Sprintf(`{"selfservice":{"methods":{"code":{"config":{"lifespan":%q}},"link":{"config":{"lifespan":%q}}}}}`, lifespan, lifespan)
	for name, wait := range map[string]time.Duration{"deactivated just now": 0, "deactivated long ago": lifespan} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, kratostest.StartEveryMethod(t, kratostest.Options{Config: config}), func(c *bridge.Config) { c.CodeLifespan = lifespan })
			h := l.newHolder(t)
			ways := l.mailed(t, h, "before")
			do(t, l.SetState(t.Context(), h.id, "inactive"))
			time.Sleep(wait)
			maps.Copy(ways, l.mailed(t, h, "while inactive"))
			offer := l.invite(t, h.again())
			for {
				_, err := l.Service.Accept(t.Context(), offer.Token.Reveal(), invitees)
				var early *bridge.Error
				if errors.As(err, &early) && errors.Is(err, bridge.ErrTooEarly) {
					time.Sleep(early.RetryAfter)
					continue
				}
				do(t, err)
				break
			}
			l.notBroken(t, account{id: h.id, email: h.email, state: "active", holder: invitees, former: &h, ways: ways})
		})
	}
}

// stopping loses the answer of one write, of which it counts from 1.
type stopping struct {
	bridge.Identities
	at, writes atomic.Int32
}

func (s *stopping) Write(ctx context.Context, i bridge.Identity, w bridge.Write) error {
	err := s.Identities.Write(ctx, i, w)
	if err == nil && s.writes.Add(1) == s.at.Load() {
		return &bridge.IdentityError{Outcome: bridge.OutcomeUnknown, Op: w.Name(), Reason: "the answer was lost"}
	}
	return err
}

// stop has an acceptance of h's account end before the nth write, counted from
// 1, or after it with its answer lost; restart ends the process with it.
func (l *live) stop(t *testing.T, h holder, nth int, answer, restart bool) bridge.Offer {
	t.Helper()
	s := &stopping{Identities: l.identities}
	l.identities = s
	l.restart(t, l.path)
	offer := l.invite(t, h.again())
	l.Clock.Advance(time.Hour)
	if answer {
		s.writes.Store(0)
		s.at.Store(int32(nth))
	} else {
		l.Store.FailUpdates(failFrom(1 + nth)) // the first is the claim
	}
	_, err := l.Service.Accept(t.Context(), offer.Token.Reveal(), "lost-Horse-6-battery")
	if err == nil {
		t.Fatal("the acceptance succeeded")
	}
	s.at.Store(0)
	l.Store.FailUpdates(nil)
	if restart {
		l.restart(t, l.path)
		l.Clock.Advance(time.Minute) // more than the lease
	}
	l.Clock.Advance(3 * time.Second)
	return offer
}

// TestTrust_halfCleaned: an acceptance that stopped anywhere leaves an account
// that opens for nobody with a link, and a link that is good still.
func TestTrust_halfCleaned(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{})
	for nth := 1; nth <= len(removed)+1; nth++ {
		for _, answer := range []bool{false, true} {
			t.Run(fmt.Sprint("accepted again/", nth, "/", answer), func(t *testing.T) {
				l := newLive(t, kratos)
				h := l.leaver(t)
				offer := l.stop(t, h, nth, answer, nth%2 == 0)
				a := account{id: h.id, email: h.email, former: &h, token: offer.Token.Reveal()}
				a.state, a.strangers = "inactive", []string{"lost-Horse-6-battery", invitees}
				a.ended = bridge.ErrAccepted
				if answer && nth == len(removed)+1 { // the last write is the acceptance
					_, err := l.Service.Accept(t.Context(), a.token, invitees)
					refused(t, err, bridge.ErrAccepted)
					a.state, a.strangers, a.holder = "active", []string{invitees, formers}, "lost-Horse-6-battery"
					l.notBroken(t, a)
					return
				}
				a.ended = nil
				l.notBroken(t, a)
				l.accept(t, offer, invitees)
				a.state, a.strangers, a.holder = "active", []string{formers, "lost-Horse-6-battery"}, invitees
				a.ended = bridge.ErrAccepted
				l.notBroken(t, a)
			})
		}
		t.Run(fmt.Sprint("activated by an administrator/", nth), func(t *testing.T) {
			l := newLive(t, kratos)
			h := l.leaver(t)
			offer := l.stop(t, h, nth, false, nth%2 == 1)
			do(t, l.SetState(t.Context(), h.id, "active"))
			_, err := l.Service.Accept(t.Context(), offer.Token.Reveal(), invitees)
			refused(t, err, bridge.ErrRevoked)
			if inv := l.get(t, offer); !slices.Equal(inv.Cleaned, removed[:nth-1]) {
				t.Errorf("removed: %q", inv.Cleaned)
			}
			l.notBroken(t, account{
				id: h.id, email: h.email, state: "active", strangers: []string{"lost-Horse-6-battery", invitees},
				token: offer.Token.Reveal(), ended: bridge.ErrRevoked,
			})
			_ = l.DeleteCredential(t.Context(), h.id, "webauthn", "") // nobody here has that key
			l.recovers(t, h)
		})
	}
}

// recovers has the holder of an account come back by email.
func (l *live) recovers(t *testing.T, h holder) {
	t.Helper()
	code := must[*kratostest.Mailed](t)(l.MailRecovery(t.Context(), h.email))
	session := must[string](t)(code.Use(t.Context()))
	_, err := l.Whoami(t.Context(), session)
	if errors.Is(err, kratostest.ErrSecondFactor) { // not removed yet
		err = l.StepUpTOTP(t.Context(), session, h.totp())
	}
	do(t, err)
	do(t, l.SetPassword(t.Context(), session, "back-Horse-3-battery"))
	if _, err := l.Login(t.Context(), h.email, "back-Horse-3-battery"); err != nil {
		t.Errorf("the holder cannot come back: %v", err)
	}
}

// TestTrust_cleanedForNothing: an invitation that ends with the account cleaned
// in part. The account stays, and what was removed is told.
func TestTrust_cleanedForNothing(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{})
	const stopAt = 4
	for name, end := range map[string]func(*testing.T, *live, bridge.Offer) (*bridge.Error, bridge.Event){
		"revoked": func(t *testing.T, l *live, o bridge.Offer) (*bridge.Error, bridge.Event) {
			_, err := l.Service.Revoke(t.Context(), o.Invitation.ID)
			do(t, err)
			return bridge.ErrRevoked, bridge.EventInvitationRevoked
		},
		"expired": func(_ *testing.T, l *live, _ bridge.Offer) (*bridge.Error, bridge.Event) {
			l.Clock.Advance(25 * time.Hour)
			return bridge.ErrExpired, bridge.EventInvitationExpired
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLive(t, kratos, func(c *bridge.Config) { c.Unaccepted = bridge.DeleteAtPurge })
			h := l.leaver(t)
			offer := l.stop(t, h, stopAt, false, false)
			ended, event := end(t, l, offer)
			l.sweep(t)
			l.sweep(t)
			want := removed[:stopAt-1]
			if inv := l.get(t, offer); !slices.Equal(inv.Cleaned, want) {
				t.Errorf("removed: %q", inv.Cleaned)
			}
			if told := l.cleanedTold(t, event); !slices.Equal(told, want) {
				t.Errorf("%s says that %q was removed", event, told)
			}
			a := account{
				id: h.id, email: h.email, state: "inactive", strangers: []string{"lost-Horse-6-battery", formers}, former: &h,
				token: offer.Token.Reveal(), ended: ended,
			}
			l.notBroken(t, a)
			_, err := l.Service.Invite(t.Context(), h.request())
			refused(t, err, bridge.ErrIdentityDeactivated)
			l.runOut(t)
			_, err = l.Service.Get(t.Context(), offer.Invitation.ID)
			refused(t, err, bridge.ErrNotFound)
			a.token = ""
			l.notBroken(t, a)
			l.handsOver(t, h.again(), h.id, bridge.OriginReactivated)
		})
	}
}

// cleanedTold gives what the message of an event says was removed.
func (l *live) cleanedTold(t *testing.T, event bridge.Event) []string {
	t.Helper()
	page, _, err := l.Service.Messages(t.Context(), bridge.MessageQuery{Limit: 250})
	do(t, err)
	for _, m := range page {
		if m.Endpoint == bridgetest.Hook && m.Payload.Type == event {
			return m.Payload.Data.Invitation.Cleaned
		}
	}
	t.Errorf("%s was not told", event)
	return nil
}
