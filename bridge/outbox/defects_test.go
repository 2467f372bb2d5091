package outbox_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestNothingIsSentThatWasNotKept: the commit of a claim fails after all was
// written. Neither the claim nor the token is there, so nothing is sent.
func TestNothingIsSentThatWasNotKept(t *testing.T) {
	p := newPost(t)
	p.invite(1)
	p.Store.FailCommits(errors.New("no space left on device"))
	if err := p.worker.Drain(t.Context(), p.Service); !errors.Is(err, bridge.ErrStoreAway) {
		t.Errorf("got %v", err)
	}
	if n := len(p.sick.Attempts()) + len(p.well.Attempts()); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
	p.Store.FailCommits(nil)
	p.drain()
	p.assertAllTaken(1)
}

// TestStopCostsNoAttempt: an attempt that the stop cuts off is handed back.
func TestStopCostsNoAttempt(t *testing.T) {
	p := newPost(t)
	p.invite(1)
	ctx, stop := context.WithCancel(t.Context())
	p.sick.Answer(func(bridge.Dispatch) bridge.Result { stop(); return bridge.Result{Outcome: bridge.Retry} })
	_ = p.worker.Drain(ctx, p.Service)
	for _, m := range p.list(bridge.MessageQuery{State: bridge.MessageQueued, Limit: 10}) {
		if m.Endpoint == "sick" && (m.Tries != 0 || len(m.Attempts) != 0) {
			t.Errorf("%d tries, %d attempts", m.Tries, len(m.Attempts))
		}
	}
	p.sick.Answer(nil)
	p.drain()
	p.assertAllTaken(1)
}

// TestNewLetterSupersedesTheOld: a resend drops the letter that waits, and the
// outcome of an older letter does not change the delivery of the newest.
func TestNewLetterSupersedesTheOld(t *testing.T) {
	p, mailbox := newMailPost(t, time.Hour)
	mailbox.Refuse(421)
	p.invite(1)
	p.drain()
	p.Clock.Advance(30 * time.Minute)
	if _, err := p.Service.Resend(t.Context(), p.invitation().ID); err != nil {
		t.Fatal(err)
	}
	mailbox.Refuse(0)
	p.drain()
	p.pass(30 * time.Minute)
	if n := len(mailbox.Letters); n != 1 {
		t.Errorf("%d letters arrived", n)
	}
	if inv := p.invitation(); inv.Delivery != bridge.DeliverySent || inv.SendCount != 1 {
		t.Errorf("delivery %s, count %d", inv.Delivery, inv.SendCount)
	}
}

// TestDeliveryTellsTheTruthInTheEnd: a letter that is dropped leaves no delivery
// queued, and one whose invitation has ended cannot be retried.
func TestDeliveryTellsTheTruthInTheEnd(t *testing.T) {
	p, mailbox := newMailPost(t, time.Hour)
	mailbox.Refuse(421)
	p.invite(1)
	p.drain()
	if _, err := p.Service.Revoke(t.Context(), p.invitation().ID); err != nil {
		t.Fatal(err)
	}
	p.pass(10 * time.Minute)
	if inv := p.invitation(); inv.Delivery != bridge.DeliveryOff {
		t.Errorf("delivery %s", inv.Delivery)
	}
	mailbox.Refuse(550)
	if _, err := p.Service.Invite(t.Context(), bridge.InviteRequest{Email: "second@example.com"}); err != nil {
		t.Fatal(err)
	}
	p.drain()
	second := p.invitation()
	if second.Delivery != bridge.DeliveryFailed {
		t.Fatalf("delivery %s", second.Delivery)
	}
	if _, err := p.Service.Revoke(t.Context(), second.ID); err != nil {
		t.Fatal(err)
	}
	failed := p.list(bridge.MessageQuery{State: bridge.MessageFailed, Limit: 10})
	if _, err := p.Service.RetryMessage(t.Context(), failed[0].ID); !errors.Is(err, bridge.ErrRevoked) {
		t.Errorf("a retry for an invitation that has ended: %v", err)
	}
	if inv := p.invitation(); inv.Delivery != bridge.DeliveryFailed {
		t.Errorf("delivery %s", inv.Delivery)
	}
}

// TestQuietInvitesHaveACooldownToo: hooks are told once in it, and an e-mail
// that is asked for then does not wait for it.
func TestQuietInvitesHaveACooldownToo(t *testing.T) {
	w := bridgetest.New(t)
	for i, quiet := range []bool{true, true, true, false, false} {
		if _, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: "ada@example.com", Quiet: quiet}); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if hooks, mails := w.Told(t, bridgetest.Hook), w.Told(t, bridge.EndpointCourier); len(hooks) != 1 || len(mails) != 1 {
		t.Errorf("hooks %v, mails %v", hooks, mails)
	}
}

// TestExpiryIsToldByAResendToo, if that is the first to notice.
func TestExpiryIsToldByAResendToo(t *testing.T) {
	w := bridgetest.New(t)
	offer, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: "ada@example.com", ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Hour)
	if _, err := w.Service.Resend(t.Context(), offer.Invitation.ID); err != nil {
		t.Fatal(err)
	}
	told := w.Told(t, bridgetest.Hook)
	if len(told) != 3 || told[1] != bridge.EventInvitationExpired {
		t.Errorf("told: %v", told)
	}
}
