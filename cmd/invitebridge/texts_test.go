package main

import (
	"html"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"invitebridge/bridge/mail/mailtest"
)

var timeOnPage = regexp.MustCompile(`<time [^>]*>([^<]+)</time>`)

// TestInvitationTexts: email and page have the same texts and the expiry in the
// invitee's time zone; replies go to the inviter; hooks get the configured traits;
// the public API shows neither traits nor the inviter's address.
func TestInvitationTexts(t *testing.T) {
	box, err := mailtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Stop)
	crm := newHookReceiver(t)
	b := startFakeBridge(t,
		`page: { title: ACME & Co }`,
		`invitation: { traits_in_messages: [ name.first ] }`,
		`courier: { smtp: { connection_uri: "`+box.URI()+`", from_address: bridge@example.com, reply_to_inviter: true } }`,
		`hooks: [ { id: crm, url: "`+crm.URL+`", secrets: [ `+hookSecret+` ], events: [ invitation_token_created ],
			body: "base64://ZnVuY3Rpb24oY3R4KSB7IHR5cGU6IGN0eC50eXBlLCBkYXRhOiB7IGludml0YXRpb246IHsgZW1haWw6IHN0ZC5nZXQoc3RkLmdldChjdHguZGF0YS5pbnZpdGF0aW9uLCAndHJhaXRzJywge30pLCAnbmFtZS5maXJzdCcpIH0gfSB9" } ]`)
	for language, want := range map[string]struct{ subject, greeting, sentence string }{
		"en": {"Grace has invited you to ACME & Co", "Hello Ada,", "<bdi>Grace</bdi> has invited you to <bdi>ACME & Co</bdi>."},
		"de": {"Grace lädt Sie zu ACME & Co ein", "Guten Tag Ada,", "<bdi>Grace</bdi> hat Sie zu <bdi>ACME & Co</bdi> eingeladen."},
	} {
		email := language + "@example.com"
		issued := b.invite(object{
			"email": email, "traits": object{"name": object{"first": "Ada", "last": "Lovelace"}}, "locale": language,
			"inviter_name": "Grace", "inviter_email": "Grace@Example.com", "timezone": "Asia/Kolkata",
		})
		if issued["inviter_email"] != "grace@example.com" || issued["timezone"] != "Asia/Kolkata" || issued["traits"].(object)["name.first"] != "Ada" {
			t.Errorf("%s: got %v", language, issued)
		}
		sent := <-box.Emails
		if sent.Subject != want.subject || sent.ReplyTo != "<grace@example.com>" || !strings.HasPrefix(sent.Text, want.greeting+"\n") || strings.Contains(sent.Raw, "Lovelace") {
			t.Errorf("%s: replies to %s\n%s", language, sent.ReplyTo, sent)
		}
		crm.await("invitation_token_created", "Ada")
		token := tokenInLink.FindStringSubmatch(sent.Text)[1]
		page := html.UnescapeString(b.call(http.MethodGet, b.public+"/invite/"+token, nil, "Accept-Language", language).text)
		date := timeOnPage.FindStringSubmatch(page)
		if date == nil || !strings.Contains(page, want.sentence) {
			t.Fatalf("%s: %s", language, page)
		}
		if shown := strings.ReplaceAll(date[1], "\u00a0", " "); !strings.Contains(shown, "UTC+5:30") || !strings.Contains(sent.Text, shown) {
			t.Errorf("%s: the page has %q, and the email\n%s", language, shown, sent.Text)
		}
		for name, a := range map[string]answer{
			"preview": b.call(http.MethodGet, b.public+base+"/"+token, nil), "accept": b.accept(token, password),
		} {
			if a.status != http.StatusOK || strings.Contains(a.text, "grace@example.com") || strings.Contains(a.text, `"traits"`) {
				t.Errorf("%s: %d %s", name, a.status, a.text)
			}
		}
	}
	if strings.Contains(b.log.String(), "page.title") {
		t.Error("serve warns although page.title is set")
	}
}

// TestNoTitle: serve warns if page.title is not set.
func TestNoTitle(t *testing.T) {
	if b := startFakeBridge(t); !strings.Contains(b.log.String(), "page.title is not set") {
		t.Errorf("no warning in\n%s", b.log)
	}
}

// TestReminderWarnings: a reminder that invitations of the usual lifespan never get is
// valid, and config check, doctor and serve warn of it. Of a key without scopes, only
// config check does.
func TestReminderWarnings(t *testing.T) {
	b := startFakeBridge(t, "invitation: { lifespan: 48h, reminders: [ 72h, 24h, 48h ] }")
	const why = ": it is not shorter than invitation.lifespan, so only invitations with a longer expires_in get this reminder; shorten it, or lengthen invitation.lifespan"
	keys := []string{"invitation.reminders[0]", "invitation.reminders[2]"}
	files := []string{"-c", filepath.Join(filepath.Dir(b.store), "invitebridge.yml"), "-c", b.extra}
	_, report, _ := command(t, nil, append([]string{"doctor"}, files...)...)
	for _, key := range keys {
		if n := strings.Count(b.log.String(), key+why); n != 1 {
			t.Errorf("serve warns %d times of %s:\n%s", n, key, b.log)
		}
		if !strings.Contains(report, "warning  configuration      "+key+why+"\n") {
			t.Errorf("doctor does not warn of %s:\n%s", key, report)
		}
	}
	environ := []string{"INVITEBRIDGE_DSN=bolt://" + filepath.Join(t.TempDir(), "other.db")}
	code, out, errs := command(t, environ, append([]string{"config", "check"}, files...)...)
	noScopes := "warning: serve.admin.api_keys[0]: it has no scopes, so its caller may do everything; name the scopes that the caller needs\n"
	if want := "warning: " + keys[0] + why + "\nwarning: " + keys[1] + why + "\n" + noScopes; code != exitOK || out != "configuration is valid\n" || errs != want {
		t.Errorf("config check: exit code %d, %q, %q", code, out, errs)
	}
}

// TestTimeZones: the container image is built from scratch, so the binary must
// embed the time zones.
func TestTimeZones(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "invitebridge/cmd/invitebridge").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(strings.Fields(string(out)), "time/tzdata") {
		t.Error("time/tzdata is missing")
	}
}
