package bridge_test

import (
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestRemindQuietHours: a reminder that becomes due in the quiet hours comes at their
// end, or never if the invitation expires first.
func TestRemindQuietHours(t *testing.T) {
	const night = "22:00-07:00 Europe/Berlin"
	for name, tc := range map[string]struct {
		hours, due, comes string // comes: empty: never
		left              time.Duration
	}{
		"in the day":                  {night, "2030-01-09T21:59:00+01:00", "2030-01-09T21:59:00+01:00", day},
		"over midnight":               {night, "2030-01-09T22:00:00+01:00", "2030-01-10T07:00:00+01:00", day},
		"after midnight":              {night, "2030-01-10T06:59:59+01:00", "2030-01-10T07:00:00+01:00", day},
		"within a day":                {"12:00-14:00 Europe/Berlin", "2030-01-09T13:00:00+01:00", "2030-01-09T14:00:00+01:00", day},
		"the clock is set forward":    {night, "2030-03-30T23:00:00+01:00", "2030-03-31T07:00:00+02:00", day},
		"the clock is set back":       {night, "2030-10-26T23:00:00+02:00", "2030-10-27T07:00:00+01:00", day},
		"the end is skipped":          {"22:00-02:30 Europe/Berlin", "2030-03-31T01:30:00+01:00", "2030-03-31T03:00:00+02:00", day},
		"it expires first":            {night, "2030-01-09T22:00:00+01:00", "", 8 * time.Hour},
		"it expires at their end":     {night, "2030-01-09T22:00:00+01:00", "", 9 * time.Hour},
		"it expires right after them": {night, "2030-01-09T22:00:00+01:00", "2030-01-10T07:00:00+01:00", 9*time.Hour + 1000},
	} {
		t.Run(name, func(t *testing.T) {
			// The second one would come after the first, or is due at the same time.
			w := bridgetest.New(t, func(c *bridge.Config) {
				c.Reminders, c.Lifespan = []time.Duration{tc.left, tc.left - time.Second}, tc.left+time.Hour
				c.QuietHours = quietHours(t, tc.hours)
			})
			due := instantOf(t, tc.due)
			w.Clock.Advance(due.Add(-time.Hour).Sub(w.Clock.Now()))
			offer := inviteAndSend(t, w, bridge.InviteRequest{Email: email})
			w.Clock.Advance(time.Hour)
			if n := remind(t, w); tc.comes != tc.due {
				if n != 0 {
					t.Fatalf("%d reminders in the quiet hours", n)
				}
				inv := get(t, w, offer.Invitation.ID)
				if tc.comes == "" {
					if !inv.RemindAt.IsZero() {
						t.Errorf("one is planned at %s, and it expires at %s", inv.RemindAt, inv.ExpiresAt)
					}
					return
				}
				comes := instantOf(t, tc.comes)
				if !inv.RemindAt.Equal(comes) {
					t.Fatalf("postponed to %s, want %s", inv.RemindAt, comes)
				}
				w.Clock.Advance(comes.Sub(due) - time.Microsecond)
				if n := remind(t, w); n != 0 {
					t.Fatalf("%d reminders too early", n)
				}
				w.Clock.Advance(time.Microsecond)
				if n := remind(t, w); n != 1 {
					t.Errorf("%d reminders at the end", n)
				}
			} else if n != 1 {
				t.Errorf("%d reminders", n)
			}
			if inv := get(t, w, offer.Invitation.ID); inv.ReminderCount != 1 || tc.comes != tc.due && !inv.RemindAt.IsZero() {
				t.Errorf("%d reminders, the next at %s", inv.ReminderCount, inv.RemindAt)
			}
		})
	}
}

// TestRemindAttemptInQuietHours: a reminder that could not be sent before the quiet
// hours waits for their end. The email of an invite does not wait.
func TestRemindAttemptInQuietHours(t *testing.T) {
	for name, tc := range map[string]struct {
		lifespan time.Duration
		waits    bool
	}{"waits": {7 * day, true}, "expires first": {12 * time.Hour, false}} {
		t.Run(name, func(t *testing.T) {
			w := bridgetest.New(t, func(c *bridge.Config) {
				c.Reminders, c.Lifespan, c.QuietHours = []time.Duration{tc.lifespan - time.Hour}, tc.lifespan, quietHours(t, "22:00-10:00 UTC")
			})
			w.Clock.Advance(instantOf(t, "2030-01-05T20:59:00Z").Sub(w.Clock.Now()))
			offer := inviteAndSend(t, w, bridge.InviteRequest{Email: email})
			w.Clock.Advance(time.Hour)
			if remind(t, w) != 1 {
				t.Fatal("no reminder before the quiet hours")
			}
			w.Clock.Advance(time.Minute)
			invite(t, w, bridge.InviteRequest{Email: "bob@example.com", Reminders: []time.Duration{}})
			if sent := deliver(t, w, bridge.AttemptSent); len(sent) != 1 || sent[0].Payload.Type != bridge.EventTokenCreated {
				t.Fatalf("sent in the quiet hours: %+v", sent)
			}
			w.Clock.Advance(12*time.Hour - time.Microsecond)
			if sent := deliver(t, w, bridge.AttemptSent); len(sent) != 0 {
				t.Fatalf("sent before their end: %+v", sent)
			}
			w.Clock.Advance(time.Microsecond)
			sent := deliver(t, w, bridge.AttemptSent)
			if tc.waits != (len(sent) == 1 && sent[0].Payload.Type == bridge.EventReminder) {
				t.Errorf("sent at their end: %+v", sent)
			}
			if inv := get(t, w, offer.Invitation.ID); inv.Delivery != bridge.DeliverySent {
				t.Errorf("the delivery is %s", inv.Delivery)
			}
		})
	}
}
