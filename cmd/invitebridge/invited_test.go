package main

import (
	"html"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"invitebridge/bridge/mail/mailtest"
)

var timeOnPage = regexp.MustCompile(`<time [^>]*>([^<]+)</time>`)

// TestWhoInvitesToWhat: email and page say it alike, in the invitee's time; replies
// go to the inviter; hooks have the chosen traits; the invitee's API shows neither.
func TestWhoInvitesToWhat(t *testing.T) {
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
		offer := b.invite(object{
			"email": email, "traits": object{"name": object{"first": "Ada", "last": "Lovelace"}}, "locale": language,
			"inviter_name": "Grace", "inviter_email": "Grace@Example.com", "timezone": "Asia/Kolkata",
		})
		if offer["inviter_email"] != "grace@example.com" || offer["timezone"] != "Asia/Kolkata" || offer["traits"].(object)["name.first"] != "Ada" {
			t.Errorf("%s: got %v", language, offer)
		}
		letter := <-box.Letters
		if letter.Subject != want.subject || letter.ReplyTo != "<grace@example.com>" || !strings.HasPrefix(letter.Text, want.greeting+"\n") || strings.Contains(letter.Raw, "Lovelace") {
			t.Errorf("%s: replies to %s\n%s", language, letter.ReplyTo, letter)
		}
		crm.await("invitation_token_created", "Ada")
		token := tokenInLink.FindStringSubmatch(letter.Text)[1]
		page := html.UnescapeString(b.call(http.MethodGet, b.public+"/invite/"+token, nil, "Accept-Language", language).text)
		date := timeOnPage.FindStringSubmatch(page)
		if date == nil || !strings.Contains(page, want.sentence) {
			t.Fatalf("%s: %s", language, page)
		}
		if shown := strings.ReplaceAll(date[1], "\u00a0", " "); !strings.Contains(shown, "UTC+5:30") || !strings.Contains(letter.Text, shown) {
			t.Errorf("%s: the page says %q, and the email\n%s", language, shown, letter.Text)
		}
		for name, a := range map[string]answer{
			"look": b.call(http.MethodGet, b.public+base+"/"+token, nil), "accept": b.accept(token, password),
		} {
			if a.status != http.StatusOK || strings.Contains(a.text, "grace@example.com") || strings.Contains(a.text, `"traits"`) {
				t.Errorf("%s: %d %s", name, a.status, a.text)
			}
		}
	}
	if strings.Contains(b.log.String(), "page.title") {
		t.Error("serve warns of a title that is set")
	}
}

// TestNoTitle: serve says that people are not told what they are invited to.
func TestNoTitle(t *testing.T) {
	if b := startFakeBridge(t); !strings.Contains(b.log.String(), "page.title is not set") {
		t.Errorf("no warning in\n%s", b.log)
	}
}

// TestTimeZones: the image is from scratch, so the binary has the time zones.
func TestTimeZones(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "invitebridge/cmd/invitebridge").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(strings.Fields(string(out)), "time/tzdata") {
		t.Error("time/tzdata is missing")
	}
}
