package bridge_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// remindBefore makes a harness with reminders before the expiry, and a lifespan of
// seven days.
func remindBefore(t *testing.T, before ...time.Duration) *bridgetest.Harness {
	t.Helper()
	return bridgetest.New(t, func(c *bridge.Config) { c.Reminders, c.Lifespan = before, 7*day })
}

// inviteAndSend invites, and delivers the first email.
func inviteAndSend(t *testing.T, w *bridgetest.Harness, r bridge.InviteRequest) bridge.IssuedInvitation {
	t.Helper()
	offer := invite(t, w, r)
	deliver(t, w, bridge.AttemptSent)
	return offer
}

// deliver makes one attempt for each due email, and returns what was sent.
func deliver(t *testing.T, w *bridgetest.Harness, outcome bridge.AttemptOutcome) (sent []bridge.Dispatch) {
	t.Helper()
	claimed, _, err := w.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 50, time.Minute)
	noError(t, err)
	for _, c := range claimed {
		noError(t, w.Service.FinishMessages(t.Context(), bridge.FinishedMessage{Claimed: c, Result: bridge.SendResult{Outcome: outcome}}))
		sent = append(sent, c.Dispatch)
	}
	return sent
}

// remind returns how many reminders are emitted now.
func remind(t *testing.T, w *bridgetest.Harness) int {
	t.Helper()
	n, err := w.Service.Remind(t.Context())
	noError(t, err)
	return n
}

func get(t *testing.T, w *bridgetest.Harness, id uuid.UUID) bridge.Invitation {
	t.Helper()
	inv, err := w.Service.Get(t.Context(), id)
	noError(t, err)
	return inv
}

// reminders counts the reminders for an endpoint.
func reminders(t *testing.T, w *bridgetest.Harness, endpoint string) int {
	t.Helper()
	return len(slices.DeleteFunc(w.EventsFor(t, endpoint), func(e bridge.Event) bool { return e != bridge.EventReminder }))
}

// TestRemind: each reminder comes at its time before the expiry, once, with a link that
// works and proves the mailbox.
func TestRemind(t *testing.T) {
	w := remindBefore(t, 72*time.Hour, 24*time.Hour)
	offer := inviteAndSend(t, w, bridge.InviteRequest{Email: email})
	id, expires := offer.Invitation.ID, offer.Invitation.ExpiresAt
	if at := offer.Invitation.RemindAt; !at.Equal(expires.Add(-72*time.Hour)) || !offer.Invitation.View().NextReminderAt.Equal(at) {
		t.Fatalf("the first is planned at %s", at)
	}
	w.Clock.Advance(4*day - time.Microsecond)
	if n := remind(t, w); n != 0 {
		t.Fatalf("%d reminders too early", n)
	}
	w.Clock.Advance(time.Microsecond)
	if n := remind(t, w) + remind(t, w); n != 1 {
		t.Fatalf("%d reminders", n)
	}
	inv := get(t, w, id)
	if inv.ReminderCount != 1 || !inv.RemindAt.Equal(expires.Add(-24*time.Hour)) || inv.Delivery != bridge.DeliveryQueued || !inv.ExpiresAt.Equal(expires) {
		t.Errorf("after the first: %+v", inv)
	}
	sent := deliver(t, w, bridge.AttemptSent)
	if len(sent) != 1 || sent[0].Payload.Type != bridge.EventReminder || sent[0].Payload.Data.Token == "" || sent[0].Payload.Data.Link == "" {
		t.Fatalf("sent: %+v", sent)
	}
	view := sent[0].Payload.Data.Invitation
	if view.ReminderCount != 1 || !view.NextReminderAt.Equal(expires.Add(-24*time.Hour)) {
		t.Errorf("the email has %+v", view)
	}
	w.Clock.Advance(2 * day)
	if n := remind(t, w); n != 1 {
		t.Fatalf("%d second reminders", n)
	}
	deliver(t, w, bridge.AttemptSent)
	inv = get(t, w, id)
	if inv.ReminderCount != 2 || !inv.RemindAt.IsZero() || inv.Delivery != bridge.DeliverySent || inv.SendCount != 3 {
		t.Errorf("after the second: %+v", inv)
	}
	if n, hooks := reminders(t, w, bridge.EndpointCourier), reminders(t, w, bridgetest.Hook); n != 2 || hooks != 2 {
		t.Errorf("%d emails, %d for the hook", n, hooks)
	}
	if _, err := w.Service.Accept(t.Context(), sent[0].Payload.Data.Token, password); err != nil {
		t.Fatal(err)
	}
	if shown, err := w.Kratos.Show(t.Context(), inv.IdentityID); err != nil || len(shown.VerifiableAddresses) != 1 || !shown.VerifiableAddresses[0].Verified {
		t.Errorf("the address is not verified: %+v, %v", shown.VerifiableAddresses, err)
	}
}

// TestRemindMoved: a new expiry plans the reminders anew.
func TestRemindMoved(t *testing.T) {
	const before = 24 * time.Hour
	for name, tc := range map[string]struct {
		after time.Duration
		reset func(*bridgetest.Harness, bridge.IssuedInvitation) error
	}{
		"resend": {2 * day, func(w *bridgetest.Harness, offer bridge.IssuedInvitation) error {
			_, err := w.Service.Resend(t.Context(), offer.Invitation.ID)
			return err
		}},
		"resend after the reminder": {6*day + time.Hour, func(w *bridgetest.Harness, offer bridge.IssuedInvitation) error {
			_, err := w.Service.Resend(t.Context(), offer.Invitation.ID)
			return err
		}},
		"renew": {7 * day, func(w *bridgetest.Harness, offer bridge.IssuedInvitation) error {
			return w.Service.Renew(t.Context(), offer.Token.Reveal())
		}},
		"renew after the sweep": {8 * day, func(w *bridgetest.Harness, offer bridge.IssuedInvitation) error {
			sweep(t, w)
			return w.Service.Renew(t.Context(), offer.Token.Reveal())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := remindBefore(t, before)
			offer := inviteAndSend(t, w, bridge.InviteRequest{Email: email})
			w.Clock.Advance(tc.after)
			noError(t, tc.reset(w, offer))
			deliver(t, w, bridge.AttemptSent)
			inv := get(t, w, offer.Invitation.ID)
			want := w.Clock.Now().Add(7 * day)
			if !inv.ExpiresAt.Equal(want) || !inv.RemindAt.Equal(want.Add(-before)) {
				t.Fatalf("it expires at %s, with a reminder at %s", inv.ExpiresAt, inv.RemindAt)
			}
			w.Clock.Advance(inv.RemindAt.Sub(w.Clock.Now()) - 1)
			if n := remind(t, w); n != 0 {
				t.Errorf("%d reminders too early", n)
			}
			w.Clock.Advance(1)
			if n := remind(t, w); n != 1 {
				t.Errorf("%d reminders", n)
			}
		})
	}
}

// TestRemindDropped: an invitation that has ended has no reminder, and one that is
// queued is not sent.
func TestRemindDropped(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *bridgetest.Harness, bridge.IssuedInvitation){
		"accept": func(t *testing.T, w *bridgetest.Harness, offer bridge.IssuedInvitation) {
			accept(t, w, offer, password)
		},
		"revoke": func(t *testing.T, w *bridgetest.Harness, offer bridge.IssuedInvitation) {
			_, err := w.Service.Revoke(t.Context(), offer.Invitation.ID)
			noError(t, err)
		},
		"expiry": func(t *testing.T, w *bridgetest.Harness, _ bridge.IssuedInvitation) {
			w.Clock.Advance(7 * day)
			_, err := w.Service.ExpireDue(t.Context())
			noError(t, err)
		},
		"identity_in_use": func(t *testing.T, w *bridgetest.Harness, offer bridge.IssuedInvitation) {
			toggle(t, w, offer.Invitation.IdentityID)
			_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
			refused(t, err, bridge.ErrRevoked)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, queued := range []bool{false, true} {
				w := remindBefore(t, 72*time.Hour, 24*time.Hour)
				offer := inviteAndSend(t, w, bridge.InviteRequest{Email: email})
				want := 0
				if queued {
					w.Clock.Advance(4 * day)
					want = remind(t, w)
				}
				end(t, w, offer)
				inv := get(t, w, offer.Invitation.ID)
				if inv.State == bridge.StatePending || !inv.RemindAt.IsZero() || !inv.View().NextReminderAt.IsZero() {
					t.Errorf("it is %s, with a reminder at %s", inv.State, inv.RemindAt)
				}
				if sent := deliver(t, w, bridge.AttemptSent); len(sent) != 0 {
					t.Errorf("sent after the end: %+v", sent)
				}
				w.Clock.Advance(7 * day)
				sweep(t, w)
				if n := remind(t, w); n != 0 || reminders(t, w, bridge.EndpointCourier) != want {
					t.Errorf("%d reminders after the end", n)
				}
			}
		})
	}
}

// TestRemindDuringAccept: no reminder during a claim, and a late one after it.
func TestRemindDuringAccept(t *testing.T) {
	w := remindBefore(t, 24*time.Hour)
	offer := inviteAndSend(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(6*day - time.Second)
	cutAccept(t, w, offer, bridgetest.CutBefore)
	w.Clock.Advance(time.Second)
	if n := remind(t, w); n != 0 {
		t.Errorf("%d reminders during the claim", n)
	}
	w.Clock.Advance(testLease)
	sweep(t, w) // it releases the claim
	if sweep(t, w); reminders(t, w, bridge.EndpointCourier) != 1 {
		t.Errorf("%d reminders after the claim", reminders(t, w, bridge.EndpointCourier))
	}
}

// TestRemindRequested: an invite may have its own reminders, or none.
func TestRemindRequested(t *testing.T) {
	configured := []time.Duration{72 * time.Hour, 24 * time.Hour}
	for name, tc := range map[string]struct {
		requested, stored []time.Duration
		first             time.Duration // before the expiry; 0: none
	}{
		"default":        {nil, configured, 72 * time.Hour},
		"none":           {[]time.Duration{}, nil, 0},
		"its own":        {[]time.Duration{time.Hour, 48 * time.Hour}, []time.Duration{time.Hour, 48 * time.Hour}, 48 * time.Hour},
		"before invite":  {[]time.Duration{8 * day, time.Hour}, []time.Duration{8 * day, time.Hour}, time.Hour},
		"with invite":    {[]time.Duration{7 * day}, []time.Duration{7 * day}, 0},
		"shortly after":  {[]time.Duration{7*day - time.Second}, []time.Duration{7*day - time.Second}, 7*day - time.Second},
		"as many as can": {slices.Repeat([]time.Duration{time.Hour}, 5), slices.Repeat([]time.Duration{time.Hour}, 5), time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			w := remindBefore(t, configured...)
			inv := inviteAndSend(t, w, bridge.InviteRequest{Email: email, Reminders: tc.requested}).Invitation
			var want time.Time
			if tc.first > 0 {
				want = inv.ExpiresAt.Add(-tc.first)
			}
			if diff := cmp.Diff(tc.stored, get(t, w, inv.ID).Reminders); diff != "" || !inv.RemindAt.Equal(want) {
				t.Errorf("the first at %s, want %s (-want +got):\n%s", inv.RemindAt, want, diff)
			}
		})
	}
	w := remindBefore(t)
	for _, wrong := range [][]time.Duration{{0}, {-time.Hour}, {time.Hour, time.Second - 1}, slices.Repeat([]time.Duration{time.Hour}, 6)} {
		_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email, Reminders: wrong})
		refused(t, err, bridge.ErrBadRequest)
	}
}
