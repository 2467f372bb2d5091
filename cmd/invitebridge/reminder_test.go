package main

import (
	"net/http"
	"strings"
	"testing"

	"invitebridge/bridge"
	"invitebridge/config"
)

// TestReminder: the program reminds by itself, by an email and a webhook with a link
// each. The one in the email is accepted, and proves the mailbox. Neither is stored or
// logged.
func TestReminder(t *testing.T) {
	const email = "reminded@example.com"
	w := newWired(t, "invitation: { cooldown: 1ms, reminders: [ 1m ] }")
	// Several, in case the machine is so slow that the first one is due before the
	// invitation is delivered.
	issued := w.invite(object{"email": email, "expires_in": "10m", "inviter_name": "Grace", "reminders": []string{"9m57s", "9m45s", "9m30s", "9m15s", "9m"}})
	first := w.awaitEmail(email)
	reminder := w.awaitEmail(email)
	if strings.Contains(first.Text, "reminder") || !strings.Contains(reminder.Text, "This is a reminder: your invitation is still open.") {
		t.Errorf("the emails:\n%s\n%s", first.Text, reminder.Text)
	}
	hooked := w.crm.await("invitation_reminder", email)
	inFirst, inReminder := tokenInLink.FindStringSubmatch(first.Text), tokenInLink.FindStringSubmatch(reminder.Text)
	if inFirst == nil || inReminder == nil || inFirst[1] == inReminder[1] || hooked.token == "" || hooked.token == inReminder[1] {
		t.Fatal("the emails and the webhook do not have different tokens")
	}
	if a := w.asAdmin(http.MethodGet, "/"+issued["id"].(string), nil); a.body["reminder_count"] == nil {
		t.Errorf("%s", a.text)
	}
	if a := w.accept(inReminder[1], password); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if !w.verified(t, issued) {
		t.Error("accepted with the link of the reminder, the address is not verified")
	}
	if code := w.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	assertNoSecret(t, w.running, []string{token(issued), inFirst[1], inReminder[1], hooked.token, password, key, hookSecret})
}

// TestQuietHours: package config may not import package bridge, so it checks quiet hours
// itself. Both accept the same.
func TestQuietHours(t *testing.T) {
	for _, text := range []string{
		"", "22:00-07:00 Europe/Berlin", "00:00-23:59 UTC", "09:00-17:30 America/Argentina/Buenos_Aires", "22:00-07:00 Etc/GMT+5",
		"22:00-07:00", "22:00-07:00 ", "22:00 UTC", "24:00-07:00 UTC", "22:00-7:00 UTC", "22:00-07:60 UTC", "07:00-07:00 UTC", "22:00-07:00  UTC",
		"22:00-07:00 UTC ", "22:00:00-07:00 UTC", "22:00-07:00 Europe/Atlantis", "22:00-07:00 Local", "22:00-07:00 localtime", "22:00-07:00 ../zone", "-22:00-07:00 UTC",
		"22.00-07.00 UTC", "22:00–07:00 UTC",
	} {
		_, err := bridge.ParseQuietHours(text)
		c := config.Default()
		c.Invitation.QuietHours = text
		problem := c.Validate() // it also misses an API key
		if refused := problem != nil && strings.Contains(problem.Error(), "quiet_hours"); refused != (err != nil) {
			t.Errorf("%q: bridge says %v, and config refuses it: %t", text, err, refused)
		}
	}
}
