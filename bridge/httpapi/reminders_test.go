package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestReminders: an invite names its own reminders, or none; the invitation shows when
// the next one comes, and how many came.
func TestReminders(t *testing.T) {
	a := startWith(t, bridgetest.New(t, func(c *bridge.Config) { c.Reminders = []time.Duration{2 * time.Hour} }))
	type invitation struct {
		ID             string    `json:"id"`
		ExpiresAt      time.Time `json:"expires_at"`
		NextReminderAt time.Time `json:"next_reminder_at"`
		ReminderCount  int       `json:"reminder_count"`
	}
	get := func(id string) (v invitation) {
		t.Helper()
		a.asAdmin(http.MethodGet, "/"+id, nil).into(t, &v)
		return v
	}
	ids := map[string]string{}
	for name, tc := range map[string]struct {
		reminders string        // of the body; empty: the field is missing
		before    time.Duration // 0: none
	}{
		"missing": {"", 2 * time.Hour},
		"none":    {`[]`, 0},
		"own":     {`["30m","12h","100h"]`, 12 * time.Hour},
	} {
		body := fmt.Sprintf(`{"email":"%s@example.com"`, name)
		if tc.reminders != "" {
			body += `,"reminders":` + tc.reminders
		}
		var issued invitation
		a.asAdmin(http.MethodPost, "/", body+"}").into(t, &issued)
		ids[name] = issued.ID
		var want time.Time
		if tc.before > 0 {
			want = issued.ExpiresAt.Add(-tc.before)
		}
		if got := get(issued.ID); !issued.NextReminderAt.Equal(want) || got != issued || got.ReminderCount != 0 {
			t.Errorf("%s: %+v, then %+v", name, issued, got)
		}
	}
	a.Clock.Advance(12 * time.Hour)
	if n, err := a.Service.Remind(t.Context()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if got := get(ids["own"]); got.ReminderCount != 1 || !got.NextReminderAt.Equal(got.ExpiresAt.Add(-30*time.Minute)) {
		t.Errorf("after the first: %+v", got)
	}
	a.asAdmin(http.MethodPost, "/"+ids["own"]+"/revoke", nil)
	if got := get(ids["own"]); got.ReminderCount != 1 || !got.NextReminderAt.IsZero() {
		t.Errorf("revoked: %+v", got)
	}

	for _, wrong := range []string{`["soon"]`, `["72"]`, `["-1h"]`, `["0s"]`, `["1ms"]`, `[72]`, `"72h"`, `[null]`, `["6h","5h","4h","3h","2h","1h"]`} {
		got := a.asAdmin(http.MethodPost, "/", `{"email":"wrong@example.com","reminders":`+wrong+`}`)
		if got.status != http.StatusBadRequest || got.errorID() != "bad_request" || !strings.Contains(string(got.body), "reminders") {
			t.Errorf("%s: %d %s", wrong, got.status, got.body)
		}
	}

	c := newClient(t, a.admin)
	for email, reminders := range map[string][]time.Duration{"c1@example.com": nil, "c2@example.com": {}, "c3@example.com": {90 * time.Minute}} {
		issued, _, err := c.Invite(t.Context(), bridge.InviteRequest{Email: email, Reminders: reminders})
		if err != nil {
			t.Fatal(err)
		}
		var want time.Time
		switch {
		case reminders == nil:
			want = issued.ExpiresAt.Add(-2 * time.Hour)
		case len(reminders) > 0:
			want = issued.ExpiresAt.Add(-reminders[0])
		}
		if !issued.NextReminderAt.Equal(want) {
			t.Errorf("%v: the next is at %s", reminders, issued.NextReminderAt)
		}
	}
}
