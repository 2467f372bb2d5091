package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// remindBatch bounds the invitations in one transaction of Remind: for each it also
// reads the others of the address.
const remindBatch = 25

// MaxReminders is the maximum number of reminders of one invitation, until it is
// resent.
const MaxReminders = 5

// CheckReminders returns nil if times before the expiry are at most MaxReminders, and
// none is too short. The error says what they must be.
func CheckReminders(before []time.Duration) error {
	problem := fmt.Errorf("at most %d durations such as %q, each of at least 1s", MaxReminders, "72h")
	if len(before) > MaxReminders {
		return problem
	}
	for _, d := range before {
		if d < time.Second {
			return problem
		}
	}
	return nil
}

// Remind emits the reminders that are due: the invitee gets an email with a new link,
// unless the previous email has not arrived, and hooks are notified. It returns the
// number of invitations about which a reminder was emitted.
//
// During the quiet hours, and within the cooldown of the latest email to the address,
// reminders are postponed; if the invitation expires first, they are dropped. Of
// several that have become due in the meantime, one is emitted. Of several processes
// that call Remind at once, one emits it.
func (s *Service) Remind(ctx context.Context) (reminded int, err error) {
	for ctx.Err() == nil {
		found, n, err := s.remindSome(ctx)
		reminded += n
		if found < remindBatch || err != nil {
			return reminded, err
		}
	}
	return reminded, ctx.Err()
}

func (s *Service) remindSome(ctx context.Context) (found, reminded int, err error) {
	var due []Invitation
	now := s.now()
	err = s.view(ctx, func(tx Tx) (err error) {
		due, err = tx.InvitationsToRemind(now, remindBatch)
		return err
	})
	if len(due) == 0 || err != nil {
		return 0, 0, err
	}
	messages := make([]notification, len(due))
	for i := range due {
		messages[i] = s.prepare(EventReminder)
	}
	err = s.update(ctx, func(tx Tx) error {
		reminded = 0
		for i, inv := range due {
			emitted, err := s.remind(tx, inv, messages[i], now)
			if err != nil {
				return err
			}
			if emitted {
				reminded++
			}
		}
		return nil
	})
	if err != nil {
		s.wakeUnsure(err, messages[0])
		return len(due), 0, err
	}
	if reminded > 0 {
		s.wake(messages[0]) // the endpoints of all are the same
	}
	return len(due), reminded, nil
}

// remind emits, postpones or drops the reminder of an invitation that was due when it
// was read. It reports whether it was emitted. Afterwards it is no longer due.
func (s *Service) remind(tx Tx, due Invitation, messages notification, now time.Time) (emitted bool, err error) {
	// The list first: on a store for several processes it excludes others, and who holds
	// another lock by then cannot wait for that.
	last, err := lastNotified(tx, due.Email)
	if err != nil {
		return false, err
	}
	inv, err := tx.Invitation(due.ID)
	if errors.Is(err, ErrRowNotFound) {
		return false, nil
	} else if err != nil || !inv.remindable(now) {
		return false, err
	}
	notified := later(last.notifiedAt(), inv.notifiedAt())
	quietEnd, quiet := s.config.QuietHours.End(now)
	switch {
	case inv.CheckUsable(now) != nil, !inv.reminderDue(now):
		inv = inv.planReminder(now)
	case quiet:
		inv = inv.postponeReminder(quietEnd)
	case !s.cooldownOver(notified, now):
		inv = inv.postponeReminder(notified.Add(s.config.Cooldown))
	default:
		return s.emitReminder(tx, inv, messages, now)
	}
	return false, tx.PutInvitation(inv)
}

// emitReminder enqueues the messages and plans the next reminder. It reports whether
// there were messages to enqueue.
func (s *Service) emitReminder(tx Tx, inv Invitation, messages notification, now time.Time) (bool, error) {
	// An email after one that was not delivered would be the first one, and no reminder.
	mail := messages.includesEmail() && inv.Delivery == DeliverySent
	hooks := messages.includesHooks()
	inv = inv.planReminder(now)
	if mail {
		inv = inv.MarkNotified(now, true)
	}
	if hooks {
		inv.HooksNotifiedAt = now
	}
	if mail || hooks {
		inv.ReminderCount++
	}
	if err := tx.PutInvitation(inv); err != nil {
		return false, err
	}
	err := messages.enqueue(tx, payload(EventReminder, inv, now), inv, func(endpoint string) bool {
		return endpoint == EndpointCourier && !mail
	})
	return mail || hooks, err
}

// newestInvitations bounds the invitations of an address whose emails count in the
// cooldown of a reminder, and of a member.
const newestInvitations = 5

// lastNotified returns that of the newest invitations of an address whose invitee was
// notified last; zero: there is none.
func lastNotified(tx Tx, email string) (last Invitation, err error) {
	list, err := tx.ListInvitations(InvitationQuery{Email: email, Limit: newestInvitations})
	for _, inv := range list {
		if last.ID == uuid.Nil || inv.notifiedAt().After(last.notifiedAt()) {
			last = inv
		}
	}
	return last, err
}

// notifiedAt returns when the latest email of the invitation was queued or sent, or a
// hook got a link, with which it may have sent one.
func (i Invitation) notifiedAt() time.Time {
	return later(later(i.InviteeNotifiedAt, i.SentAt), i.HooksNotifiedAt)
}

// remindable reports whether the invitation is what [Tx].InvitationsToRemind returns.
func (i Invitation) remindable(now time.Time) bool {
	return i.State == StatePending && i.Claim == nil && !i.RemindAt.IsZero() && !i.RemindAt.After(now)
}

// reminderDue reports whether the time of a reminder has come. RemindAt may be that of
// an earlier expiry: a release that knows no reminders has reset only the expiry.
func (i Invitation) reminderDue(now time.Time) bool {
	for _, before := range i.Reminders {
		if !i.ExpiresAt.Add(-before).After(now) {
			return true
		}
	}
	return false
}

// planReminder sets RemindAt to the first reminder after now.
func (i Invitation) planReminder(now time.Time) Invitation {
	i.RemindAt = time.Time{}
	for _, before := range i.Reminders {
		at := micros(i.ExpiresAt.Add(-before))
		if at.After(now) && (i.RemindAt.IsZero() || at.Before(i.RemindAt)) {
			i.RemindAt = at
		}
	}
	return i
}

// postponeReminder moves the next reminder to a later time. If the invitation has
// expired by then, none is planned any more: the others would come even later.
func (i Invitation) postponeReminder(until time.Time) Invitation {
	i.RemindAt = time.Time{}
	if until.Before(i.ExpiresAt) {
		i.RemindAt = until
	}
	return i
}
