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

// removed is what an acceptance removes from the account of a former holder, in
// this order.
var removed = []string{"password", "sessions", "lookup_secret", "oidc:test", "totp", "webauthn"}

// deactivatedHolder is a holder with every way to sign in whose account is now
// inactive.
func (l *liveBridge) deactivatedHolder(t *testing.T) holder {
	t.Helper()
	h := l.newHolder(t)
	l.setCredential(t, h.id, "webauthn", secondFactorWA)
	noError(t, l.SetState(t.Context(), h.id, "inactive"))
	return h
}

// TestTrust_reactivate: an account is handed over, and nothing of its former
// holder opens it.
func TestTrust_reactivate(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{})
	eachMethod(t, func(t *testing.T, with func(*bridge.Config)) { handOver(t, newLive(t, kratos, with)) })
}

func handOver(t *testing.T, l *liveBridge) {
	h := l.deactivatedHolder(t)
	offer := l.invite(t, h.again())
	_, err := l.tryAccept(t, offer.Token.Reveal(), inviteePassword)
	early := refusal(t, err, bridge.ErrAcceptTooEarly)
	if early.RetryAfter <= 0 || early.RetryAfter > time.Hour {
		t.Errorf("retry after %s", early.RetryAfter)
	}
	l.Clock.Advance(early.RetryAfter - time.Minute)
	_, err = l.tryAccept(t, offer.Token.Reveal(), inviteePassword)
	refused(t, err, bridge.ErrAcceptTooEarly)
	if inv := l.get(t, offer); !inv.CleaningBeganAt.IsZero() {
		t.Errorf("refused as too early, but %q was removed", inv.Cleaned)
	}
	l.Clock.Advance(time.Minute)
	l.accept(t, offer, inviteePassword)
	if inv := l.get(t, offer); !slices.Equal(inv.Cleaned, removed) {
		t.Errorf("removed: %q", inv.Cleaned)
	}
	l.checkAccount(t, account{
		id: h.id, email: h.email, state: "active", holder: inviteePassword, strangers: []string{formerPassword}, former: &h,
		token: offer.Token.Reveal(), ended: bridge.ErrAccepted,
	})
}

// TestTrust_codes: codes and links sent before an account was handed over do
// not open it. They are valid for seconds here, by Kratos' own clock.
func TestTrust_codes(t *testing.T) {
	t.Parallel()
	const lifespan = 4 * time.Second
	config := fmt.Sprintf(`{"selfservice":{"methods":{"code":{"config":{"lifespan":%q}},"link":{"config":{"lifespan":%q}}}}}`, lifespan, lifespan)
	for name, wait := range map[string]time.Duration{"deactivated just now": 0, "deactivated long ago": lifespan} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, kratostest.StartEveryMethod(t, kratostest.Options{Config: config}), func(c *bridge.Config) { c.CodeLifespan = lifespan })
			h := l.newHolder(t)
			ways := l.sendCodes(t, h, "before")
			noError(t, l.SetState(t.Context(), h.id, "inactive"))
			time.Sleep(wait)
			maps.Copy(ways, l.sendCodes(t, h, "while inactive"))
			offer := l.invite(t, h.again())
			for {
				_, err := l.tryAccept(t, offer.Token.Reveal(), inviteePassword)
				var early *bridge.Error
				if errors.As(err, &early) && errors.Is(err, bridge.ErrAcceptTooEarly) {
					time.Sleep(early.RetryAfter)
					continue
				}
				noError(t, err)
				break
			}
			l.checkAccount(t, account{id: h.id, email: h.email, state: "active", holder: inviteePassword, former: &h, ways: ways})
		})
	}
}

// stopping loses the response to one write, counted from 1.
type stopping struct {
	bridge.Identities
	at, writes atomic.Int32
}

func (s *stopping) Write(ctx context.Context, i bridge.Identity, w bridge.Write) (bridge.Identity, error) {
	after, err := s.Identities.Write(ctx, i, w)
	if err == nil && s.writes.Add(1) == s.at.Load() {
		return after, &bridge.IdentityError{Outcome: bridge.OutcomeUnknown, Op: w.Name(), Reason: "the response was lost"}
	}
	return after, err
}

// interrupt makes an acceptance of h's account end before the nth write,
// counted from 1, or after it with the response lost. restart ends the process
// with it.
func (l *liveBridge) interrupt(t *testing.T, h holder, nth int, written, restart bool) bridge.IssuedInvitation {
	t.Helper()
	s := &stopping{Identities: l.identities}
	l.identities = s
	l.restart(t, l.path)
	offer := l.invite(t, h.again())
	l.Clock.Advance(time.Hour)
	if written {
		s.writes.Store(0)
		s.at.Store(int32(nth))
	} else {
		l.Store.FailUpdates(failFrom(1 + nth)) // the first is the claim
	}
	_, err := l.tryAccept(t, offer.Token.Reveal(), "lost-Horse-6-battery")
	if err == nil {
		t.Fatal("the acceptance succeeded")
	}
	s.at.Store(0)
	l.Store.FailUpdates(nil)
	if restart {
		l.restart(t, l.path)
		l.Clock.Advance(bridgetest.Lease)
	}
	l.Clock.Advance(3 * time.Second)
	return offer
}

// TestTrust_halfCleaned: an acceptance interrupted at any step leaves an
// account that no one can open, and a token that is still valid.
func TestTrust_halfCleaned(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{})
	for nth := 1; nth <= len(removed)+1; nth++ {
		for _, written := range []bool{false, true} {
			t.Run(fmt.Sprint("accepted again/", nth, "/", written), func(t *testing.T) {
				eachMethod(t, func(t *testing.T, with func(*bridge.Config)) { acceptAgain(t, newLive(t, kratos, with), nth, written) })
			})
		}
		t.Run(fmt.Sprint("activated by an administrator/", nth), func(t *testing.T) {
			l := newLive(t, kratos)
			h := l.deactivatedHolder(t)
			offer := l.interrupt(t, h, nth, false, nth%2 == 1)
			noError(t, l.SetState(t.Context(), h.id, "active"))
			_, err := l.tryAccept(t, offer.Token.Reveal(), inviteePassword)
			refused(t, err, bridge.ErrRevoked)
			if inv := l.get(t, offer); !slices.Equal(inv.Cleaned, removed[:nth-1]) {
				t.Errorf("removed: %q", inv.Cleaned)
			}
			l.checkAccount(t, account{
				id: h.id, email: h.email, state: "active", strangers: []string{"lost-Horse-6-battery", inviteePassword},
				token: offer.Token.Reveal(), ended: bridge.ErrRevoked,
			})
			_ = l.DeleteCredential(t.Context(), h.id, "webauthn", "") // its private key does not exist
			l.checkRecovery(t, h)
		})
	}
}

// acceptAgain accepts an invitation once more, after an acceptance that was
// interrupted before or after its nth write.
func acceptAgain(t *testing.T, l *liveBridge, nth int, written bool) {
	h := l.deactivatedHolder(t)
	offer := l.interrupt(t, h, nth, written, nth%2 == 0)
	a := account{id: h.id, email: h.email, former: &h, token: offer.Token.Reveal()}
	a.state, a.strangers = "inactive", []string{"lost-Horse-6-battery", inviteePassword}
	a.ended = bridge.ErrAccepted
	if written && nth == len(removed)+1 { // the last write is the acceptance
		_, err := l.tryAccept(t, a.token, inviteePassword)
		refused(t, err, bridge.ErrAccepted)
		a.state, a.strangers, a.holder = "active", []string{inviteePassword, formerPassword}, "lost-Horse-6-battery"
		if l.byKratos() {
			noError(t, l.SetPassword(t.Context(), l.firstSession(t, h.email), a.holder))
		}
		l.checkAccount(t, a)
		return
	}
	a.ended = nil
	l.checkAccount(t, a)
	l.accept(t, offer, inviteePassword)
	a.state, a.strangers, a.holder = "active", []string{formerPassword, "lost-Horse-6-battery"}, inviteePassword
	a.ended = bridge.ErrAccepted
	l.checkAccount(t, a)
}

// checkRecovery checks that the holder of an account can recover it by email.
func (l *liveBridge) checkRecovery(t *testing.T, h holder) {
	t.Helper()
	code := must[*kratostest.Mailed](t)(l.MailRecovery(t.Context(), h.email))
	session := must[string](t)(code.Use(t.Context()))
	_, err := l.Whoami(t.Context(), session)
	if errors.Is(err, kratostest.ErrSecondFactor) { // not removed yet
		err = l.StepUpTOTP(t.Context(), session, h.totp())
	}
	noError(t, err)
	noError(t, l.SetPassword(t.Context(), session, "back-Horse-3-battery"))
	if _, err := l.Login(t.Context(), h.email, "back-Horse-3-battery"); err != nil {
		t.Errorf("the holder cannot recover the account: %v", err)
	}
}

// TestTrust_cleanedThenEnded: an invitation ends with the account partly
// cleaned. The account stays, and the event lists what was removed.
func TestTrust_cleanedThenEnded(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{})
	const stopAt = 4
	for name, end := range map[string]func(*testing.T, *liveBridge, bridge.IssuedInvitation) (*bridge.Error, bridge.Event){
		"revoked": func(t *testing.T, l *liveBridge, o bridge.IssuedInvitation) (*bridge.Error, bridge.Event) {
			_, err := l.Service.Revoke(t.Context(), o.Invitation.ID)
			noError(t, err)
			return bridge.ErrRevoked, bridge.EventInvitationRevoked
		},
		"expired": func(_ *testing.T, l *liveBridge, _ bridge.IssuedInvitation) (*bridge.Error, bridge.Event) {
			l.Clock.Advance(25 * time.Hour)
			return bridge.ErrExpired, bridge.EventInvitationExpired
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLive(t, kratos, func(c *bridge.Config) { c.Unaccepted = bridge.DeleteAtPurge })
			h := l.deactivatedHolder(t)
			offer := l.interrupt(t, h, stopAt, false, false)
			ended, event := end(t, l, offer)
			l.sweep(t)
			l.sweep(t)
			want := removed[:stopAt-1]
			if inv := l.get(t, offer); !slices.Equal(inv.Cleaned, want) {
				t.Errorf("removed: %q", inv.Cleaned)
			}
			if cleaned := l.cleanedInEvent(t, event); !slices.Equal(cleaned, want) {
				t.Errorf("%s lists %q as removed", event, cleaned)
			}
			a := account{
				id: h.id, email: h.email, state: "inactive", strangers: []string{"lost-Horse-6-battery", formerPassword}, former: &h,
				token: offer.Token.Reveal(), ended: ended,
			}
			l.checkAccount(t, a)
			_, err := l.Service.Invite(t.Context(), h.request())
			refused(t, err, bridge.ErrIdentityDeactivated)
			l.passRetention(t)
			_, err = l.Service.Get(t.Context(), offer.Invitation.ID)
			refused(t, err, bridge.ErrNotFound)
			a.token = ""
			l.checkAccount(t, a)
			l.inviteAndAccept(t, h.again(), h.id, bridge.OriginReactivated)
		})
	}
}

// cleanedInEvent returns what the message of an event says was removed.
func (l *liveBridge) cleanedInEvent(t *testing.T, event bridge.Event) []string {
	t.Helper()
	page, _, err := l.Service.Messages(t.Context(), bridge.MessageQuery{Limit: 250})
	noError(t, err)
	for _, m := range page {
		if m.Endpoint == bridgetest.Hook && m.Payload.Type == event {
			return m.Payload.Data.Invitation.Cleaned
		}
	}
	t.Errorf("%s was not emitted", event)
	return nil
}
