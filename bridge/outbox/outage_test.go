package outbox_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/outbox"
)

var silent = slog.New(slog.DiscardHandler)

// twoHooks has every event told to two endpoints, and mailed to nobody.
func twoHooks(c *bridge.Config) {
	c.Lifespan = 700 * time.Hour
	c.Endpoints = func(e bridge.Event) []string {
		if e.Blocking() {
			return nil
		}
		return []string{"sick", "well"}
	}
}

// post is a world with a worker and two receivers.
type post struct {
	*bridgetest.World
	t          testing.TB
	sick, well *bridgetest.Receiver
	worker     *outbox.Worker
}

func newPost(t testing.TB, changes ...func(*bridge.Config)) *post {
	t.Helper()
	p := &post{t: t, sick: bridgetest.NewReceiver(), well: bridgetest.NewReceiver()}
	p.worker = outbox.New([]outbox.Endpoint{
		{Name: "sick", Sender: p.sick, Concurrency: 32}, {Name: "well", Sender: p.well, Concurrency: 32},
		{Name: bridge.EndpointCourier, Sender: p.sick, Concurrency: 8},
	}, silent)
	p.World = bridgetest.New(t, append([]func(*bridge.Config){twoHooks}, changes...)...)
	return p
}

func (p *post) drain() {
	p.t.Helper()
	if err := p.worker.Drain(p.t.Context(), p.Service); err != nil {
		p.t.Fatal(err)
	}
}

// pass lets time go by in steps, with the worker at work in each.
func (p *post) pass(d time.Duration) {
	p.t.Helper()
	for d > 0 {
		step := min(2*time.Minute, d)
		p.Clock.Advance(step)
		d -= step
		p.drain()
	}
}

func (p *post) invite(n int) {
	p.t.Helper()
	for i := range n {
		if _, err := p.Service.Invite(p.t.Context(), bridge.InviteRequest{Email: fmt.Sprintf("u%d@example.com", i)}); err != nil {
			p.t.Fatal(err)
		}
	}
}

// TestOutage: an endpoint is down for a while, on a clock of its own. All its
// events arrive in the end under the ids they had, and no other endpoint waits.
func TestOutage(t *testing.T) {
	const events = 1000
	for _, outage := range []time.Duration{time.Minute, 3 * time.Hour, 30 * time.Hour, 74 * time.Hour} {
		t.Run(outage.String(), func(t *testing.T) {
			t.Parallel()
			p := newPost(t)
			p.sick.Fail(bridge.Retry)
			p.invite(events)
			p.drain()
			p.pass(outage)
			p.sick.Answer(nil)
			p.pass(30 * time.Hour) // the longest wait is 24 h, and the spread
			p.assertAllTaken(events)
			t.Logf("down for %s: the last event came after %s; at the other endpoint after %s", outage, p.sick.Delay(), p.well.Delay())
			if p.well.Delay() > 0 {
				t.Errorf("the other endpoint waited %s", p.well.Delay())
			}
		})
	}
}

// TestOutageBeyondTheSchedule: what could not be delivered in ten attempts is
// failed, listed, told of, and sent by a retry.
func TestOutageBeyondTheSchedule(t *testing.T) {
	const events = 50
	p := newPost(t)
	p.sick.Fail(bridge.Retry)
	p.invite(events)
	p.drain()
	p.pass(76*time.Hour + 30*time.Minute) // and what the steps of this clock add
	failed := p.list(bridge.MessageQuery{State: bridge.MessageFailed, Limit: 500})
	if len(failed) != events {
		t.Fatalf("%d messages are failed", len(failed))
	}
	for _, m := range failed {
		if len(m.Attempts) != 10 || m.Endpoint != "sick" {
			t.Fatalf("%s: %d attempts", m.Endpoint, len(m.Attempts))
		}
		span := m.Attempts[9].At.Sub(m.Attempts[0].At)
		if span < 75*time.Hour || span > 76*time.Hour+30*time.Minute {
			t.Errorf("ten attempts span %s", span)
		}
	}
	told := 0
	for _, d := range p.well.Taken() {
		if d.Payload.Type == bridge.EventDeliveryFailed {
			told++
		}
	}
	if told != events {
		t.Errorf("the other endpoint was told of %d failures", told)
	}
	p.sick.Answer(nil)
	for _, m := range failed {
		if _, err := p.Service.RetryMessage(t.Context(), m.ID); err != nil {
			t.Fatal(err)
		}
	}
	p.drain()
	p.assertAllTaken(events)
	if _, err := p.Service.RetryMessage(t.Context(), failed[0].ID); err == nil {
		t.Error("a message that was sent can be retried")
	}
}

func (p *post) list(q bridge.MessageQuery) []bridge.Message {
	p.t.Helper()
	list, next, err := p.Service.Messages(p.t.Context(), q)
	if err != nil || next != uuid.Nil {
		p.t.Fatalf("%v, more: %v", err, next)
	}
	return list
}

// assertAllTaken checks that the sick endpoint has all token events, each with
// a token that works, and each under one id.
func (p *post) assertAllTaken(events int) {
	p.t.Helper()
	tokens, attempts := 0, p.sick.Attempts()
	for id, d := range p.sick.Taken() {
		if d.Payload.Type != bridge.EventTokenCreated {
			continue
		}
		tokens++
		if _, err := p.Service.Look(p.t.Context(), d.Payload.Data.Token); err != nil {
			p.t.Fatalf("the token that was delivered: %v", err)
		}
		seen := map[string]bool{}
		for i, a := range attempts[id] {
			if a.Attempt < i && seen[a.Payload.Data.Token] {
				p.t.Fatal("two attempts carried one token")
			}
			seen[a.Payload.Data.Token] = true
		}
	}
	if tokens != events {
		p.t.Errorf("%d of %d events were delivered", tokens, events)
	}
}
