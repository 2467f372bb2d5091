package bridge_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestAgainQuiet: the inviter asked for no email and passes the link on. Anyone may
// ask by address, so no email goes out.
func TestAgainQuiet(t *testing.T) {
	w := bridgetest.New(t)
	invite(t, w, bridge.InviteRequest{Email: email, Quiet: true})
	w.Clock.Advance(time.Hour)
	again(t, w, email)
	if n := emailsSent(t, w); n != 0 {
		t.Errorf("%d emails, though the inviter asked for none", n)
	}
}

// TestAgainBlocksNobody: someone who knows an address and asks for it as often as permitted
// does not keep the invitee, whose links have all expired, from getting another one.
func TestAgainBlocksNobody(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	deliver := func() {
		t.Helper()
		claimed, _, err := w.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 10, time.Minute)
		noError(t, err)
		for _, c := range claimed {
			noError(t, w.Service.FinishMessages(t.Context(), bridge.FinishedMessage{Claimed: c, Result: bridge.SendResult{Outcome: bridge.AttemptSent}}))
		}
	}
	deliver()
	for wait := time.Minute; wait < 14*day; wait *= 2 {
		w.Clock.Advance(wait)
		again(t, w, email)
		deliver()
	}
	w.Clock.Advance(4 * day) // the last link lasted a day
	before := emailsSent(t, w)
	renew(t, w, offer.Token.Reveal())
	again(t, w, email)
	if emailsSent(t, w) == before {
		inv, _ := w.Service.Get(t.Context(), offer.Invitation.ID)
		t.Errorf("the invitee gets no link days after the last one ended (%d emails were sent, state %s)", inv.SendCount, inv.State)
	}
}

// TestAgainDuringHook: while a blocking hook decides on what a stranger requested, the
// inviter can still decide about that address.
func TestAgainDuringHook(t *testing.T) {
	called, decide, calls := make(chan struct{}), make(chan struct{}), atomic.Int32{}
	w := bridgetest.New(t, func(c *bridge.Config) {
		c.LockTimeout = 100 * time.Millisecond
		c.Hooks = hookFunc(func(context.Context, bridge.Payload) error {
			if calls.Add(1) != 2 { // the inviter's
				return nil
			}
			close(called)
			<-decide
			return bridge.ErrHookRefused
		})
	})
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(2 * day)
	done := make(chan error)
	go func() { done <- w.Service.Again(context.WithoutCancel(t.Context()), email) }()
	<-called
	_, err := w.Service.Resend(t.Context(), offer.Invitation.ID)
	close(decide)
	noError(t, <-done)
	if err != nil {
		t.Errorf("the inviter: %v", err)
	}
}

// TestAgainUndeliverable: the cooldown doubles for a mailbox that refuses every email,
// too: each attempt reaches the mail server and the hooks.
func TestAgainUndeliverable(t *testing.T) {
	w := bridgetest.New(t)
	invite(t, w, bridge.InviteRequest{Email: email})
	for range 120 {
		claimed, _, err := w.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 10, time.Minute)
		noError(t, err)
		for _, c := range claimed {
			noError(t, w.Service.FinishMessages(t.Context(), bridge.FinishedMessage{Claimed: c, Result: bridge.SendResult{Outcome: bridge.AttemptFailed}}))
		}
		w.Clock.Advance(time.Minute)
		again(t, w, email)
	}
	if n := emailsSent(t, w); n > 8 {
		t.Errorf("%d emails in two hours, requested every minute", n)
	}
}
