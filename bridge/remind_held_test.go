package bridge_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestRemindCooldown: a reminder waits until the cooldown of any other email to the
// address is over.
func TestRemindCooldown(t *testing.T) {
	const cooldown = 10 * time.Minute
	setup := func(t *testing.T, lifespan time.Duration) (*bridgetest.Harness, bridge.IssuedInvitation) {
		w := bridgetest.NewAt(t, kratostest.FakeOptions{Schemas: kratostest.CompanySchemas()}, func(c *bridge.Config) {
			c.Reminders, c.Lifespan, c.Cooldown, c.SchemaID = []time.Duration{time.Hour}, lifespan, cooldown, kratostest.DefaultSchema
		})
		return w, inviteAndSend(t, w, bridge.InviteRequest{Email: email})
	}
	expect := func(t *testing.T, w *bridgetest.Harness, offer bridge.IssuedInvitation, wait time.Duration) {
		t.Helper()
		if n, inv := remind(t, w), get(t, w, offer.Invitation.ID); n != 0 || !inv.RemindAt.Equal(w.Clock.Now().Add(wait)) {
			t.Fatalf("%d reminders in the cooldown, the next at %s", n, inv.RemindAt)
		}
		w.Clock.Advance(wait - time.Microsecond)
		if n := remind(t, w); n != 0 {
			t.Fatalf("%d reminders too early", n)
		}
		w.Clock.Advance(time.Microsecond)
		if n := remind(t, w); n != 1 {
			t.Errorf("%d reminders after the cooldown", n)
		}
	}
	t.Run("after the invite", func(t *testing.T) {
		w, offer := setup(t, time.Hour+time.Minute)
		w.Clock.Advance(time.Minute)
		expect(t, w, offer, cooldown-time.Minute)
	})
	t.Run("it expires first", func(t *testing.T) {
		w, _ := setup(t, day)
		offer := inviteAndSend(t, w, bridge.InviteRequest{Email: "bob@example.com", ExpiresIn: cooldown, Reminders: []time.Duration{cooldown / 2}})
		w.Clock.Advance(cooldown / 2)
		if n, inv := remind(t, w), get(t, w, offer.Invitation.ID); n != 0 || !inv.RemindAt.IsZero() {
			t.Errorf("%d reminders in the cooldown, the next at %s", n, inv.RemindAt)
		}
	})
	t.Run("after an additional invite", func(t *testing.T) {
		w, offer := setup(t, day)
		w.Clock.Advance(23*time.Hour - time.Minute)
		inviteAndSend(t, w, bridge.InviteRequest{Email: email})
		w.Clock.Advance(time.Minute)
		expect(t, w, offer, cooldown-time.Minute)
	})
	t.Run("after a late email", func(t *testing.T) {
		w, offer := setup(t, day)
		w.Clock.Advance(23*time.Hour - time.Hour)
		invite(t, w, bridge.InviteRequest{Email: email})
		w.Clock.Advance(time.Hour - time.Minute)
		deliver(t, w, bridge.AttemptSent)
		w.Clock.Advance(time.Minute)
		expect(t, w, offer, cooldown-time.Minute)
	})
	t.Run("of another invitation", func(t *testing.T) {
		w, offer := setup(t, day)
		w.Clock.Advance(23*time.Hour - time.Minute)
		createIdentity(t, w, "named", "inactive", traits(`{"email":"x@example.com","username":"x"}`))
		noError(t, w.Store.Update(t.Context(), func(tx bridge.Tx) error { // as of another schema
			inv, err := tx.Invitation(offer.Invitation.ID)
			inv.ID[15]++
			inv.IdentityID[0]++
			inv.SchemaID, inv.InviteeNotifiedAt, inv.RemindAt = "named", w.Clock.Now(), time.Time{}
			return errors.Join(err, tx.PutInvitation(inv))
		}))
		w.Clock.Advance(time.Minute)
		expect(t, w, offer, cooldown-time.Minute)
	})
	t.Run("of two at once", func(t *testing.T) {
		w, offer := setup(t, day)
		noError(t, w.Store.Update(t.Context(), func(tx bridge.Tx) error {
			inv, err := tx.Invitation(offer.Invitation.ID)
			inv.ID[15]++
			inv.IdentityID[0]++
			inv.SchemaID = "named"
			return errors.Join(err, tx.PutInvitation(inv))
		}))
		w.Clock.Advance(23 * time.Hour)
		if n := remind(t, w); n != 1 {
			t.Fatalf("%d reminders to one address", n)
		}
		w.Clock.Advance(cooldown)
		if n := remind(t, w); n != 1 {
			t.Errorf("%d reminders after the cooldown", n)
		}
	})
}

// TestRemindWithoutEmail: who got no email gets no reminder by email. Hooks, which
// may have sent one, are notified.
func TestRemindWithoutEmail(t *testing.T) {
	for name, tc := range map[string]struct {
		request bridge.InviteRequest
		outcome bridge.AttemptOutcome // empty: it is still queued
	}{
		"failed": {outcome: bridge.AttemptFailed},
		"queued": {},
		"quiet":  {request: bridge.InviteRequest{Quiet: true}},
	} {
		t.Run(name, func(t *testing.T) {
			w := remindBefore(t, 24*time.Hour, 2*time.Hour)
			tc.request.Email = email
			offer := invite(t, w, tc.request)
			if tc.outcome != "" {
				deliver(t, w, tc.outcome)
			}
			w.Clock.Advance(6 * day)
			if n := remind(t, w); n != 1 || reminders(t, w, bridge.EndpointCourier) != 0 || reminders(t, w, bridgetest.Hook) != 1 {
				t.Errorf("%d reminders: for %v and %v", n, w.EventsFor(t, bridge.EndpointCourier), w.EventsFor(t, bridgetest.Hook))
			}
			if inv := get(t, w, offer.Invitation.ID); inv.ReminderCount != 1 || !inv.RemindAt.Equal(inv.ExpiresAt.Add(-2*time.Hour)) {
				t.Errorf("%d counted, the next at %s", inv.ReminderCount, inv.RemindAt)
			}
		})
	}
	t.Run("no endpoint", func(t *testing.T) {
		w := bridgetest.New(t, func(c *bridge.Config) { c.Reminders, c.EndpointsFor = []time.Duration{time.Hour}, nil })
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		w.Clock.Advance(23 * time.Hour)
		if n, inv := remind(t, w), get(t, w, offer.Invitation.ID); n != 0 || inv.ReminderCount != 0 || !inv.RemindAt.IsZero() {
			t.Errorf("%d reminders, %d counted, the next at %s", n, inv.ReminderCount, inv.RemindAt)
		}
	})
}

// TestRemindAfterDowntime: of the reminders that were missed, one comes.
func TestRemindAfterDowntime(t *testing.T) {
	w := remindBefore(t, 5*day, 72*time.Hour, 24*time.Hour)
	offer := inviteAndSend(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(5 * day)
	w.Restart(t)
	if n := remind(t, w) + remind(t, w); n != 1 {
		t.Errorf("%d reminders", n)
	}
	inv := get(t, w, offer.Invitation.ID)
	if inv.ReminderCount != 1 || !inv.RemindAt.Equal(inv.ExpiresAt.Add(-24*time.Hour)) {
		t.Errorf("%d counted, the next at %s", inv.ReminderCount, inv.RemindAt)
	}
}

// TestRemindSuperseded: a resend replaces a reminder that is still queued.
func TestRemindSuperseded(t *testing.T) {
	w := remindBefore(t, 24*time.Hour)
	offer := inviteAndSend(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(6 * day)
	remind(t, w)
	if _, err := w.Service.Resend(t.Context(), offer.Invitation.ID); err != nil {
		t.Fatal(err)
	}
	if sent := deliver(t, w, bridge.AttemptSent); len(sent) != 1 || sent[0].Payload.Type != bridge.EventTokenCreated {
		t.Errorf("sent: %+v", sent)
	}
}

// TestRemindFailed: the mail server refuses a reminder, so the next one is not sent.
func TestRemindFailed(t *testing.T) {
	w := remindBefore(t, 72*time.Hour, 24*time.Hour)
	offer := inviteAndSend(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(4 * day)
	remind(t, w)
	deliver(t, w, bridge.AttemptFailed)
	if inv := get(t, w, offer.Invitation.ID); inv.Delivery != bridge.DeliveryFailed || inv.SendCount != 1 {
		t.Errorf("%s, %d sent", inv.Delivery, inv.SendCount)
	}
	w.Clock.Advance(2 * day)
	if remind(t, w); reminders(t, w, bridge.EndpointCourier) != 1 || reminders(t, w, bridgetest.Hook) != 2 {
		t.Errorf("emails: %v", w.EventsFor(t, bridge.EndpointCourier))
	}
}

// TestRemindRenewCooldown: reminders do not lengthen the cooldown of a renewal: nobody
// asked for them.
func TestRemindRenewCooldown(t *testing.T) {
	w := bridgetest.New(t, func(c *bridge.Config) {
		c.Reminders, c.Cooldown = []time.Duration{12 * time.Hour, 6 * time.Hour, time.Hour}, 2*time.Hour
	})
	offer := inviteAndSend(t, w, bridge.InviteRequest{Email: email})
	for range 3 {
		inv := get(t, w, offer.Invitation.ID)
		w.Clock.Advance(inv.RemindAt.Sub(w.Clock.Now()))
		remind(t, w)
		deliver(t, w, bridge.AttemptSent)
	}
	if inv := get(t, w, offer.Invitation.ID); inv.SendCount != 4 || inv.ReminderCount != 3 {
		t.Fatalf("%d sent, %d reminders", inv.SendCount, inv.ReminderCount)
	}
	w.Clock.Advance(2*time.Hour - time.Microsecond)
	for _, want := range []int{0, 1} {
		noError(t, w.Service.Renew(t.Context(), offer.Token.Reveal()))
		if n := len(deliver(t, w, bridge.AttemptSent)); n != want {
			t.Errorf("%d emails, want %d", n, want)
		}
		w.Clock.Advance(time.Microsecond)
	}
}

// TestRemindPreviousRelease: the release before, on the same store, has reset the expiry
// and left the time of the reminder. It is planned anew, and none comes.
func TestRemindPreviousRelease(t *testing.T) {
	w := remindBefore(t, 24*time.Hour)
	offer := inviteAndSend(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(5 * day)
	noError(t, w.Store.Update(t.Context(), func(tx bridge.Tx) error {
		inv, err := tx.Invitation(offer.Invitation.ID)
		inv.ExpiresAt = w.Clock.Now().Add(7 * day)
		return errors.Join(err, tx.PutInvitation(inv))
	}))
	w.Clock.Advance(day)
	inv := get(t, w, offer.Invitation.ID)
	if n := remind(t, w); n != 0 || !get(t, w, inv.ID).RemindAt.Equal(inv.ExpiresAt.Add(-24*time.Hour)) {
		t.Errorf("%d reminders, the next at %s", n, get(t, w, inv.ID).RemindAt)
	}
}

// TestRemindStoresNoToken: neither the row of a reminder nor its message contains the
// token that was sent.
func TestRemindStoresNoToken(t *testing.T) {
	w := remindBefore(t, 24*time.Hour)
	offer := inviteAndSend(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(6 * day)
	remind(t, w)
	sent := deliver(t, w, bridge.AttemptSent)
	messages, _, err := w.Service.Messages(t.Context(), bridge.MessageQuery{InvitationID: offer.Invitation.ID, Limit: 50})
	noError(t, err)
	stored, err := json.Marshal([]any{messages, get(t, w, offer.Invitation.ID)})
	noError(t, err)
	if len(sent) != 1 || bytes.Contains(stored, []byte(sent[0].Payload.Data.Token)) {
		t.Errorf("%d sent, and the token is stored", len(sent))
	}
}
