package outbox_test

import (
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/mail"
	"invitebridge/bridge/mail/mailtest"
	"invitebridge/bridge/outbox"
)

// newMailFixture returns a fixture whose courier speaks SMTP with a real server.
func newMailFixture(t *testing.T, life time.Duration) (*fixture, *mailtest.Mailbox) {
	t.Helper()
	mailbox, err := mailtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mailbox.Stop)
	mailer, err := mail.New(mail.Config{ConnectionURI: mailbox.URI(), FromAddress: "bridge@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mailer.Close)
	f := &fixture{t: t, healthy: bridgetest.NewReceiver()}
	f.worker = outbox.New([]outbox.Endpoint{
		{Name: bridge.EndpointCourier, Sender: mailer, Concurrency: 4}, {Name: bridgetest.Hook, Sender: f.healthy, Concurrency: 4},
	}, silent)
	f.Harness = bridgetest.New(t, func(c *bridge.Config) { c.Lifespan = life })
	return f, mailbox
}

// TestMailOutage: the mail server rejects every email for a time that is shorter
// than the invitation's lifespan. The email arrives once afterwards.
func TestMailOutage(t *testing.T) {
	const life = 49 * time.Hour
	for name, code := range map[string]int{"421": 421, "450": 450} {
		for _, outage := range []time.Duration{10 * time.Second, time.Hour, 12 * time.Hour, 48 * time.Hour} {
			t.Run(name+"/"+outage.String(), func(t *testing.T) {
				t.Parallel()
				f, mailbox := newMailFixture(t, life)
				mailbox.Refuse(code)
				f.invite(1)
				f.drain()
				f.advance(outage)
				mailbox.Refuse(0)
				f.advance(life - outage - time.Minute)
				if n := len(mailbox.Emails); n != 1 {
					t.Fatalf("%d emails arrived", n)
				}
				if inv := f.invitation(); inv.State != bridge.StatePending || inv.Delivery != bridge.DeliverySent || inv.SendCount != 1 {
					t.Errorf("the invitation is %s, its delivery %s", inv.State, inv.Delivery)
				}
			})
		}
	}
}

func (f *fixture) invitation() bridge.Invitation {
	f.t.Helper()
	list, _, err := f.Service.List(f.t.Context(), bridge.InvitationQuery{Limit: 1})
	if err != nil || len(list) != 1 {
		f.t.Fatal(err)
	}
	return list[0]
}

// TestMailFails: an email that the server rejects permanently, or temporarily until
// the invitation expires, is failed and reported to the other endpoint.
func TestMailFails(t *testing.T) {
	for name, c := range map[string]struct {
		code int
		wait time.Duration
	}{"550": {550, time.Minute}, "421 for life": {421, 24 * time.Hour}} {
		t.Run(name, func(t *testing.T) {
			f, mailbox := newMailFixture(t, 24*time.Hour)
			mailbox.Refuse(c.code)
			f.invite(1)
			f.drain()
			f.advance(c.wait)
			f.drain() // delivers what the last step queued for the other endpoint
			notified := 0
			for _, d := range f.healthy.Received() {
				if d.Payload.Type == bridge.EventDeliveryFailed {
					notified++
				}
			}
			if inv := f.invitation(); inv.Delivery != bridge.DeliveryFailed || notified != 1 {
				t.Errorf("the delivery is %s; notified %d times", inv.Delivery, notified)
			}
		})
	}
}

// TestMailCutAfterTheDot: the server closes the connection after the final dot, so
// it is unknown whether it accepted the email. It is sent again, with the same
// Message-ID.
func TestMailCutAfterTheDot(t *testing.T) {
	f, mailbox := newMailFixture(t, 24*time.Hour)
	mailbox.CutNext()
	f.invite(1)
	f.drain()
	f.advance(time.Minute)
	if n := len(mailbox.Emails); n != 2 {
		t.Fatalf("%d emails arrived", n)
	}
	if first, second := <-mailbox.Emails, <-mailbox.Emails; first.MessageID != second.MessageID || first.MessageID == "" || first.Text == second.Text {
		t.Errorf("%q and %q; one token in both: %v", first.MessageID, second.MessageID, first.Text == second.Text)
	}
}

// TestNoMailAfterRevoke: an email that is queued when its invitation is revoked is
// dropped.
func TestNoMailAfterRevoke(t *testing.T) {
	f, mailbox := newMailFixture(t, 24*time.Hour)
	mailbox.Refuse(421)
	f.invite(1)
	f.drain()
	if _, err := f.Service.Revoke(t.Context(), f.invitation().ID); err != nil {
		t.Fatal(err)
	}
	mailbox.Refuse(0)
	f.advance(time.Hour)
	dropped := f.list(bridge.MessageQuery{State: bridge.MessageDropped, Limit: 10})
	if len(mailbox.Emails) != 0 || len(dropped) != 1 {
		t.Errorf("%d emails arrived, %d were dropped", len(mailbox.Emails), len(dropped))
	}
}
