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

// mailPost is a world whose courier speaks SMTP with a real server.
func newMailPost(t *testing.T, life time.Duration) (*post, *mailtest.Mailbox) {
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
	p := &post{t: t, well: bridgetest.NewReceiver()}
	p.worker = outbox.New([]outbox.Endpoint{
		{Name: bridge.EndpointCourier, Sender: mailer, Concurrency: 4}, {Name: bridgetest.Hook, Sender: p.well, Concurrency: 4},
	}, silent)
	p.World = bridgetest.New(t, func(c *bridge.Config) { c.Lifespan = life })
	return p, mailbox
}

// TestMailOutage: the mail server refuses for a while that is shorter than the
// invitation's life. The letter arrives in the end, once, with a link that
// works.
func TestMailOutage(t *testing.T) {
	const life = 49 * time.Hour
	for name, code := range map[string]int{"421": 421, "450": 450} {
		for _, outage := range []time.Duration{10 * time.Second, time.Hour, 12 * time.Hour, 48 * time.Hour} {
			t.Run(name+"/"+outage.String(), func(t *testing.T) {
				t.Parallel()
				p, mailbox := newMailPost(t, life)
				mailbox.Refuse(code)
				p.invite(1)
				p.drain()
				p.pass(outage)
				mailbox.Refuse(0)
				p.pass(life - outage - time.Minute)
				if n := len(mailbox.Letters); n != 1 {
					t.Fatalf("%d letters arrived", n)
				}
				if inv := p.invitation(); inv.State != bridge.StatePending || inv.Delivery != bridge.DeliverySent || inv.SendCount != 1 {
					t.Errorf("the invitation is %s, its delivery %s", inv.State, inv.Delivery)
				}
			})
		}
	}
}

func (p *post) invitation() bridge.Invitation {
	p.t.Helper()
	list, _, err := p.Service.List(p.t.Context(), bridge.Query{Limit: 1})
	if err != nil || len(list) != 1 {
		p.t.Fatal(err)
	}
	return list[0]
}

// TestMailIsNotRefusedForEver: what the server refuses for good, and what never
// got through while the invitation lived, is failed and told of.
func TestMailIsNotRefusedForEver(t *testing.T) {
	for name, c := range map[string]struct {
		code int
		wait time.Duration
	}{"550": {550, time.Minute}, "421 for life": {421, 24 * time.Hour}} {
		t.Run(name, func(t *testing.T) {
			p, mailbox := newMailPost(t, 24*time.Hour)
			mailbox.Refuse(c.code)
			p.invite(1)
			p.drain()
			p.pass(c.wait)
			p.drain() // what the last one has queued for the other endpoint
			told := 0
			for _, d := range p.well.Taken() {
				if d.Payload.Type == bridge.EventDeliveryFailed {
					told++
				}
			}
			if inv := p.invitation(); inv.Delivery != bridge.DeliveryFailed || told != 1 {
				t.Errorf("the delivery is %s; told of %d times", inv.Delivery, told)
			}
		})
	}
}

// TestMailCutAfterTheDot: nobody knows whether the letter was taken. It is sent
// once more, and can be recognised as the same.
func TestMailCutAfterTheDot(t *testing.T) {
	p, mailbox := newMailPost(t, 24*time.Hour)
	mailbox.CutNext()
	p.invite(1)
	p.drain()
	p.pass(time.Minute)
	if n := len(mailbox.Letters); n != 2 {
		t.Fatalf("%d letters arrived", n)
	}
	if first, second := <-mailbox.Letters, <-mailbox.Letters; first.MessageID != second.MessageID || first.MessageID == "" || first.Text == second.Text {
		t.Errorf("%q and %q; one token in both: %v", first.MessageID, second.MessageID, first.Text == second.Text)
	}
}

// TestNoMailForWhatHasEnded: a letter that waits while its invitation ends is
// dropped.
func TestNoMailForWhatHasEnded(t *testing.T) {
	p, mailbox := newMailPost(t, 24*time.Hour)
	mailbox.Refuse(421)
	p.invite(1)
	p.drain()
	if _, err := p.Service.Revoke(t.Context(), p.invitation().ID); err != nil {
		t.Fatal(err)
	}
	mailbox.Refuse(0)
	p.pass(time.Hour)
	dropped := p.list(bridge.MessageQuery{State: bridge.MessageDropped, Limit: 10})
	if len(mailbox.Letters) != 0 || len(dropped) != 1 {
		t.Errorf("%d letters arrived, %d were dropped", len(mailbox.Letters), len(dropped))
	}
}
