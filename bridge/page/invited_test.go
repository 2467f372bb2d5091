package page_test

import (
	"strings"
	"testing"

	"invitebridge/bridge/page"
)

// TestInvitedTo: the first sentence names the inviter and what the invitation is
// for.
func TestInvitedTo(t *testing.T) {
	for _, c := range []struct{ title, inviter, language, want string }{
		{"ACME", "Grace", "en", "Grace has invited you to ACME."},
		{"ACME", "", "en", "You have been invited to ACME."},
		{"", "Grace", "en", "Grace has invited you."},
		{"", "", "en", "You have been invited."},
		{"ACME", "Grace", "de", "Grace hat Sie zu ACME eingeladen."},
		{"ACME", "", "de", "Sie wurden zu ACME eingeladen."},
		{"{inviter}", "{title}", "en", "{title} has invited you to {inviter}."},
		{"<b>A & B</b>", "<i>", "en", "<i> has invited you to <b>A & B</b>."},
	} {
		view := full(page.ScreenForm)
		view.InviterName = c.inviter
		_, root := render(t, newPage(t, page.Config{Title: c.title}), c.language, view)
		if got := text(find(root, "p")[map[bool]int{true: 1}[c.title != ""]]); !strings.HasPrefix(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestTimeZone: the visible date is in the invitee's time zone, and the
// machine-readable one in UTC.
func TestTimeZone(t *testing.T) {
	for zone, want := range map[string]string{
		"":                 "Monday, 9\u00a0March 2026, 22:05\u00a0UTC",
		"no/zone":          "Monday, 9\u00a0March 2026, 22:05\u00a0UTC",
		"Europe/Berlin":    "Monday, 9\u00a0March 2026, 23:05\u00a0UTC+1",
		"Asia/Kolkata":     "Tuesday, 10\u00a0March 2026, 03:35\u00a0UTC+5:30",
		"America/New_York": "Monday, 9\u00a0March 2026, 18:05\u00a0UTC-4",
	} {
		view := full(page.ScreenForm)
		view.TimeZone = zone
		_, root := render(t, newPage(t, page.Config{}), "en", view)
		if when := one(t, root, "time"); text(when) != want || attr(when, "datetime") != "2026-03-09T22:05:00Z" {
			t.Errorf("%s: until %s, %s", zone, attr(when, "datetime"), text(when))
		}
	}
}
