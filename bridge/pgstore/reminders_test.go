package pgstore

import (
	"context"
	"testing"
	"time"

	"invitebridge/bridge"

	"github.com/google/go-cmp/cmp"
)

// TestRemindersOfPreviousRelease: the release before reminders does not know their
// columns. What it inserts has none, and what it updates keeps them.
func TestRemindersOfPreviousRelease(t *testing.T) {
	dsn := newDatabase(t)
	s := open(t, dsn)
	previous := table[invitationRow]{name: invitations.name}
	for _, c := range invitations.columns {
		if c.name != "reminders_ns" && c.name != "remind_at" && c.name != "reminder_count" {
			previous.columns = append(previous.columns, c)
		}
	}
	conn := connect(t, dsn)
	plain, reminded := sample(1), sample(2)
	reminded.Reminders, reminded.ReminderCount = []time.Duration{time.Hour, 30 * time.Minute}, 1
	reminded.RemindAt = reminded.ExpiresAt.Add(-30 * time.Minute)
	put(t, s, reminded)
	old, err := rowOf(plain)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), previous.insert(), previous.args(old)...); err != nil {
		t.Fatal(err)
	}
	if old, err = rowOf(reminded); err != nil {
		t.Fatal(err)
	}
	old.Epoch = 7
	if _, err := conn.Exec(t.Context(), previous.update(), previous.args(old)...); err != nil {
		t.Fatal(err)
	}
	reminded.Epoch = 7
	err = s.View(context.Background(), func(tx bridge.Tx) error {
		list, err := tx.Invitations(plain.ID, reminded.ID)
		if diff := cmp.Diff([]bridge.Invitation{plain, reminded}, list); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
