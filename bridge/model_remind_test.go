package bridge_test

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"invitebridge/bridge"
)

const modelCooldown = time.Minute

// modelReminders is the configuration of reminders, and what came of it.
type modelReminders struct {
	quietFrom, quietTo int // hours in UTC; equal: there are no quiet hours

	emitted, postponed int // in this history
}

func (h *history) configureReminders(t *rapid.T, c *bridge.Config) {
	c.Cooldown = modelCooldown
	c.Reminders = rapid.SampledFrom([][]time.Duration{nil, {23*time.Hour + 55*time.Minute, 59 * time.Minute}, {24*time.Hour - time.Second, 23 * time.Hour, 30 * time.Minute}}).Draw(t, "reminders")
	quiet := rapid.SampledFrom([]struct {
		text     string
		from, to int
	}{{"", 0, 0}, {"22:00-07:00 UTC", 22, 7}, {"09:00-21:00 UTC", 9, 21}}).Draw(t, "quiet hours")
	h.reminders.quietFrom, h.reminders.quietTo = quiet.from, quiet.to
	hours, err := bridge.ParseQuietHours(quiet.text)
	if err != nil {
		h.Fatal(err)
	}
	c.QuietHours = hours
}

// drawReminders returns those of an invite: none, the configured ones, or some that come
// soon.
func drawReminders(t *rapid.T, lifespan time.Duration) []time.Duration {
	soon := []time.Duration{lifespan - time.Second, lifespan - 3*time.Second, max(lifespan-90*time.Second, time.Second), max(lifespan-time.Hour, time.Second), lifespan / 2}
	return rapid.SampledFrom([][]time.Duration{nil, {}, soon, soon}).Draw(t, "reminders of the invite")
}

// remind lets time pass until a reminder is due, and its bridge sweep.
func (h *history) remind(t *rapid.T) {
	n := h.drawNode(t)
	var at time.Time
	for _, inv := range h.stored(n) {
		if !inv.RemindAt.IsZero() && (at.IsZero() || inv.RemindAt.Before(at)) {
			at = inv.RemindAt
		}
	}
	if at.IsZero() {
		t.Skip()
	}
	if wait := at.Sub(h.now()); wait > 0 {
		h.step("%s pass until a reminder", wait)
		h.advance(wait)
	}
	h.serialize(n, nil)
	h.drawTrouble(t, n)
	h.runSweep(n)
}

// quietUntil returns the end of the quiet hours; zero: it is not quiet.
func (h *history) quietUntil(at time.Time) time.Time {
	from, to := h.reminders.quietFrom, h.reminders.quietTo
	if hour := at.Hour(); from == to || from < to && (hour < from || hour >= to) || from > to && hour < from && hour >= to {
		return time.Time{}
	}
	end := at.Truncate(time.Hour)
	for end.Hour() != to {
		end = end.Add(time.Hour)
	}
	return end
}

// cooldownUntil returns when the cooldown of the last email to an address, or of the
// last link to a hook about it, is over.
func (h *history) cooldownUntil(email string, stored map[uuid.UUID]bridge.Invitation) (until time.Time) {
	for _, inv := range stored {
		for _, at := range []time.Time{inv.InviteeNotifiedAt, inv.SentAt, inv.HooksNotifiedAt} {
			if end := at.Add(modelCooldown); inv.Email == email && end.After(until) {
				until = end
			}
		}
	}
	return until
}

// nextReminder returns the first reminder after now; zero: there is none.
func nextReminder(inv bridge.Invitation, now time.Time) time.Time {
	times := []time.Time{}
	for _, before := range inv.Reminders {
		if at := inv.ExpiresAt.Add(-before); at.After(now) {
			times = append(times, at)
		}
	}
	if len(times) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(times, time.Time.Compare)
}

// noteReminders remembers how the invitations of a bridge are stored.
func (h *history) noteReminders(n *node) {
	n.reminded = map[uuid.UUID]bridge.Invitation{}
	for _, inv := range h.stored(n) {
		n.reminded[inv.ID] = inv
	}
}

// auditReminders checks what a call did to the reminders of a bridge: one is emitted
// by a sweep alone, at its time, if nothing holds it back; then the next one is planned.
func (h *history) auditReminders(n *node, by *modelCall) {
	now, before := h.now(), n.reminded
	h.noteReminders(n)
	for _, inv := range n.reminded {
		was, known := before[inv.ID]
		due := known && was.State == bridge.StatePending && was.Claim == nil && !was.RemindAt.IsZero() && !was.RemindAt.After(now)
		held := h.quietUntil(now)
		if held.IsZero() {
			if until := h.cooldownUntil(inv.Email, before); until.After(now) {
				held = until
			}
		}
		switch emitted := inv.ReminderCount - was.ReminderCount; {
		case inv.State != bridge.StatePending || !inv.RemindAt.IsZero() && !inv.RemindAt.Before(inv.ExpiresAt):
			if !inv.RemindAt.IsZero() || emitted != 0 {
				h.broken("%s is %s, expires at %s, and has a reminder at %s", inv.ID, inv.State, inv.ExpiresAt, inv.RemindAt)
			}
		case !known || !inv.ExpiresAt.Equal(was.ExpiresAt):
			if want := nextReminder(inv, now); !inv.RemindAt.Equal(want) || emitted != 0 {
				h.broken("%s has a new expiry, and a reminder at %s instead of %s", inv.ID, inv.RemindAt, want)
			}
		case emitted != 0:
			h.reminders.emitted++
			if emitted != 1 || by.verb != "sweep" || !due || !held.IsZero() || !now.Before(inv.ExpiresAt) || !inv.RemindAt.Equal(nextReminder(inv, now)) {
				h.broken("%s emits %d reminders of %s, held until %s; the next is at %s", by.verb, emitted, inv.ID, held, inv.RemindAt)
			}
			if (inv.Delivery == bridge.DeliveryQueued) != (was.Delivery == bridge.DeliverySent || was.Delivery == bridge.DeliveryQueued) {
				h.broken("the delivery of %s was %s and is %s", inv.ID, was.Delivery, inv.Delivery)
			}
		case !inv.RemindAt.Equal(was.RemindAt):
			h.reminders.postponed++
			want, expired := held, !now.Before(inv.ExpiresAt) // the commit that expires it may be lost
			if expired || !held.Before(inv.ExpiresAt) {
				want = time.Time{}
			}
			if by.verb != "sweep" || !due || held.IsZero() && !expired || !inv.RemindAt.Equal(want) {
				h.broken("%s postpones the reminder of %s to %s, held until %s", by.verb, inv.ID, inv.RemindAt, held)
			}
		case due && by.verb == "sweep" && h.trouble.isNone() && n == by.node:
			h.broken("the reminder of %s at %s is due, and was neither emitted nor postponed", inv.ID, inv.RemindAt)
		}
	}
}
