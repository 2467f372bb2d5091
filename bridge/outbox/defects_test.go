package outbox_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestClaimNotCommitted: the commit of a claim fails. Neither the claim nor the
// token is stored, so nothing may be sent.
func TestClaimNotCommitted(t *testing.T) {
	f := newFixture(t)
	f.invite(1)
	f.Store.FailCommits(errors.New("no space left on device"))
	if err := f.worker.Drain(t.Context(), f.Service); !errors.Is(err, bridge.ErrStoreUnavailable) {
		t.Errorf("got %v", err)
	}
	if n := len(f.failing.Attempts()) + len(f.healthy.Attempts()); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
	f.Store.FailCommits(nil)
	f.drain()
	f.assertAllDelivered(1)
}

// TestLaterEvents: during an upgrade, a later release queues an event that this one
// does not know. The message stays as it is for the later one, and delays no other.
func TestLaterEvents(t *testing.T) {
	f := newFixture(t)
	f.invite(1)
	later := f.newest()
	later.ID, later.Endpoint, later.Payload.Type = uuid.UUID{1}, "healthy", "invitation_reminded"
	later.DueAt = later.DueAt.Add(-time.Hour)
	if err := f.Store.Update(t.Context(), func(tx bridge.Tx) error { return tx.PutMessage(later) }); err != nil {
		t.Fatal(err)
	}
	f.drain()
	if n := len(f.healthy.Received()); n != 1 {
		t.Errorf("%d messages were sent", n)
	}
	if diff := cmp.Diff(later, f.message(later.ID)); diff != "" {
		t.Errorf("the message has changed: %s", diff)
	}
	if claimed, next, err := f.Service.ClaimMessages(t.Context(), "healthy", 9, time.Minute); len(claimed) > 0 || !next.IsZero() || err != nil {
		t.Errorf("claimed %v, next at %s (%v)", claimed, next, err)
	}
}

// TestStopCostsNoAttempt: an attempt canceled by the shutdown is released and does
// not count.
func TestStopCostsNoAttempt(t *testing.T) {
	f := newFixture(t)
	f.invite(1)
	ctx, stop := context.WithCancel(t.Context())
	f.failing.Answer(func(bridge.Dispatch) bridge.SendResult {
		stop()
		return bridge.SendResult{Outcome: bridge.AttemptRetry}
	})
	_ = f.worker.Drain(ctx, f.Service)
	for _, m := range f.list(bridge.MessageQuery{State: bridge.MessageQueued, Limit: 10}) {
		if m.Endpoint == "failing" && (m.Tries != 0 || len(m.Attempts) != 0) {
			t.Errorf("%d tries, %d attempts", m.Tries, len(m.Attempts))
		}
	}
	f.failing.Answer(nil)
	f.drain()
	f.assertAllDelivered(1)
}

// TestResendReplacesQueuedEmail: a resend drops the queued email. The result of an
// older email does not change the delivery status of the newest.
func TestResendReplacesQueuedEmail(t *testing.T) {
	f, mailbox := newMailFixture(t, time.Hour)
	mailbox.Refuse(421)
	f.invite(1)
	f.drain()
	f.Clock.Advance(30 * time.Minute)
	if _, err := f.Service.Resend(t.Context(), f.invitation().ID); err != nil {
		t.Fatal(err)
	}
	mailbox.Refuse(0)
	f.drain()
	f.advance(30 * time.Minute)
	if n := len(mailbox.Emails); n != 1 {
		t.Errorf("%d emails arrived", n)
	}
	if inv := f.invitation(); inv.Delivery != bridge.DeliverySent || inv.SendCount != 1 {
		t.Errorf("delivery %s, count %d", inv.Delivery, inv.SendCount)
	}
}

// TestDeliveryAfterRevoke: after its email was dropped, an invitation's delivery is
// not queued. A failed email of a revoked invitation cannot be retried.
func TestDeliveryAfterRevoke(t *testing.T) {
	f, mailbox := newMailFixture(t, time.Hour)
	mailbox.Refuse(421)
	f.invite(1)
	f.drain()
	if _, err := f.Service.Revoke(t.Context(), f.invitation().ID); err != nil {
		t.Fatal(err)
	}
	f.advance(10 * time.Minute)
	if inv := f.invitation(); inv.Delivery != bridge.DeliveryOff {
		t.Errorf("delivery %s", inv.Delivery)
	}
	mailbox.Refuse(550)
	if _, err := f.Service.Invite(t.Context(), bridge.InviteRequest{Email: "second@example.com"}); err != nil {
		t.Fatal(err)
	}
	f.drain()
	second := f.invitation()
	if second.Delivery != bridge.DeliveryFailed {
		t.Fatalf("delivery %s", second.Delivery)
	}
	if _, err := f.Service.Revoke(t.Context(), second.ID); err != nil {
		t.Fatal(err)
	}
	failed := f.list(bridge.MessageQuery{State: bridge.MessageFailed, Limit: 10})
	if _, err := f.Service.RetryMessage(t.Context(), failed[0].ID); !errors.Is(err, bridge.ErrRevoked) {
		t.Errorf("a retry for a revoked invitation: %v", err)
	}
	if inv := f.invitation(); inv.Delivery != bridge.DeliveryFailed {
		t.Errorf("delivery %s", inv.Delivery)
	}
}

// TestQuietInvitesHaveACooldown: during the cooldown hooks are notified once. An
// email requested during it is sent all the same.
func TestQuietInvitesHaveACooldown(t *testing.T) {
	w := bridgetest.New(t)
	for i, quiet := range []bool{true, true, true, false, false} {
		if _, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: "ada@example.com", Quiet: quiet}); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if hooks, mails := w.EventsFor(t, bridgetest.Hook), w.EventsFor(t, bridge.EndpointCourier); len(hooks) != 1 || len(mails) != 1 {
		t.Errorf("hooks %v, mails %v", hooks, mails)
	}
}

// TestResendEmitsExpiry: a resend emits invitation_expired if it is the first call
// after the expiry.
func TestResendEmitsExpiry(t *testing.T) {
	w := bridgetest.New(t)
	offer, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: "ada@example.com", ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Hour)
	if _, err := w.Service.Resend(t.Context(), offer.Invitation.ID); err != nil {
		t.Fatal(err)
	}
	notified := w.EventsFor(t, bridgetest.Hook)
	if len(notified) != 3 || notified[1] != bridge.EventInvitationExpired {
		t.Errorf("notified: %v", notified)
	}
}
