package mail

import (
	"crypto/x509"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// Canaries: none of these may occur in an error or in a result.
const (
	canaryUser     = "canary-user"
	canaryPassword = "canary/pass?word#1@x"
	canaryToken    = "Y2FuYXJ5LXRva2VuLW9uZQ"
)

var canaries = []string{canaryUser, canaryPassword, url.QueryEscape(canaryPassword), "pass?word", canaryToken}

// sentAt is the time at which the emails of these tests are sent.
var sentAt = time.Date(2030, 3, 3, 14, 0, 0, 0, time.UTC)

// invitation returns the dispatch of an invitation of Ada.
func invitation() bridge.Dispatch {
	return bridge.Dispatch{
		MessageID: uuid.MustParse("0197a3c2-1111-7000-8000-000000000001"),
		Endpoint:  bridge.EndpointCourier,
		Attempt:   1,
		At:        sentAt,
		Payload: bridge.Payload{
			Type: bridge.EventTokenCreated, Timestamp: sentAt,
			Data: bridge.PayloadData{
				Invitation: bridge.InvitationView{
					ID: uuid.MustParse("0197a3c2-2222-7000-8000-000000000002"), Email: "ada@example.com",
					State: bridge.StatePending, InviterName: "Grace Hopper", Locale: "en",
					ExpiresAt: sentAt.Add(48 * time.Hour),
				},
				Token: canaryToken,
				Link:  "https://app.example.com/invitation?token=" + canaryToken + "&return_to=%2Fhome%3Fa%3Db&x=1+2~3",
			},
		},
	}
}

// reminder returns a reminder of invitation.
func reminder() bridge.Dispatch {
	d := invitation()
	d.Payload.Type = bridge.EventReminder
	d.Payload.Data.Invitation.ReminderCount = 1
	return d
}

// withName returns invitation with an inviter of that name.
func withName(name string) bridge.Dispatch {
	d := invitation()
	d.Payload.Data.Invitation.InviterName = name
	return d
}

func config(uri string) Config {
	return Config{ConnectionURI: uri, FromAddress: "invitations@acme.example", FromName: "Acme"}
}

// newMailer returns a Mailer that trusts roots only; nil: the system's.
func newMailer(t testing.TB, uri string, roots *x509.CertPool) *Mailer {
	t.Helper()
	c := config(uri)
	c.RootCAs = roots
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// offlineMailer composes emails that are not sent.
var offlineMailer = sync.OnceValues(func() (*Mailer, error) { return New(config("smtp://127.0.0.1:1/")) })

// composed returns the email of d, which is not sent.
func composed(t *testing.T, d bridge.Dispatch) parsedEmail {
	t.Helper()
	m, err := offlineMailer()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := m.compose(new(workspace), d)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, raw)
}
