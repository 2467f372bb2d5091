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
	"invitebridge/bridge/testenv"
)

var silent = slog.New(slog.DiscardHandler)

// twoEndpoints sends every event but entries of the history to two endpoints, and none to
// the courier.
func twoEndpoints(c *bridge.Config) {
	c.Lifespan = 700 * time.Hour
	c.EndpointsFor = func(e bridge.Event) []string {
		if e.Blocking() || e == bridge.EventHistoryEntry {
			return nil
		}
		return []string{"failing", "healthy"}
	}
}

// fixture is a harness with a worker and two receivers.
type fixture struct {
	*bridgetest.Harness
	t                testing.TB
	failing, healthy *bridgetest.Receiver
	worker           *outbox.Worker
}

func newFixture(t testing.TB, changes ...func(*bridge.Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, failing: bridgetest.NewReceiver(), healthy: bridgetest.NewReceiver()}
	f.worker = outbox.New([]outbox.Endpoint{
		{Name: "failing", Sender: f.failing, Concurrency: 32}, {Name: "healthy", Sender: f.healthy, Concurrency: 32},
		{Name: bridge.EndpointCourier, Sender: f.failing, Concurrency: 8},
	}, silent)
	f.Harness = bridgetest.New(t, append([]func(*bridge.Config){twoEndpoints}, changes...)...)
	return f
}

func (f *fixture) drain() {
	f.t.Helper()
	if err := f.worker.Drain(f.t.Context(), f.Service); err != nil {
		f.t.Fatal(err)
	}
}

// advance advances the clock in steps and delivers what is due after each.
func (f *fixture) advance(d time.Duration) {
	f.t.Helper()
	for d > 0 {
		step := min(2*time.Minute, d)
		f.Clock.Advance(step)
		d -= step
		f.drain()
	}
}

func (f *fixture) invite(n int) {
	f.t.Helper()
	for i := range n {
		if _, err := f.Service.Invite(f.t.Context(), bridge.InviteRequest{Email: fmt.Sprintf("u%d@example.com", i)}); err != nil {
			f.t.Fatal(err)
		}
	}
}

// TestOutage: one endpoint is down for a while, in simulated time. All its events
// arrive afterwards under their original ids, and the other endpoint is not
// delayed.
func TestOutage(t *testing.T) {
	testenv.SkipIfShort(t, "four thousand messages, several attempts each")
	const events = 1000
	for _, outage := range []time.Duration{time.Minute, 3 * time.Hour, 30 * time.Hour, 74 * time.Hour} {
		t.Run(outage.String(), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.failing.Fail(bridge.AttemptRetry)
			f.invite(events)
			f.drain()
			f.advance(outage)
			f.failing.Answer(nil)
			f.advance(30 * time.Hour) // the longest delay is 24 h plus jitter
			f.assertAllDelivered(events)
			t.Logf("down for %s: the last event came after %s; at the other endpoint after %s", outage, f.failing.Delay(), f.healthy.Delay())
			if f.healthy.Delay() > 0 {
				t.Errorf("the other endpoint waited %s", f.healthy.Delay())
			}
		})
	}
}

// TestOutageBeyondTheSchedule: a message that could not be delivered in ten
// attempts is failed, listed, reported to the other endpoint, and sent by a retry.
func TestOutageBeyondTheSchedule(t *testing.T) {
	testenv.SkipIfShort(t, "days in steps of two minutes")
	const events = 50
	f := newFixture(t)
	f.failing.Fail(bridge.AttemptRetry)
	f.invite(events)
	f.drain()
	f.advance(76*time.Hour + 30*time.Minute) // the rest is for the steps of this clock
	failed := f.list(bridge.MessageQuery{State: bridge.MessageFailed, Limit: 500})
	if len(failed) != events {
		t.Fatalf("%d messages have failed", len(failed))
	}
	for _, m := range failed {
		if len(m.Attempts) != 10 || m.Endpoint != "failing" {
			t.Fatalf("%s: %d attempts", m.Endpoint, len(m.Attempts))
		}
		span := m.Attempts[9].At.Sub(m.Attempts[0].At)
		if span < 75*time.Hour || span > 76*time.Hour+30*time.Minute {
			t.Errorf("ten attempts span %s", span)
		}
	}
	notified := 0
	for _, d := range f.healthy.Received() {
		if d.Payload.Type == bridge.EventDeliveryFailed {
			notified++
		}
	}
	if notified != events {
		t.Errorf("the other endpoint was notified of %d failures", notified)
	}
	f.failing.Answer(nil)
	for _, m := range failed {
		if _, err := f.Service.RetryMessage(t.Context(), m.ID); err != nil {
			t.Fatal(err)
		}
	}
	f.drain()
	f.assertAllDelivered(events)
	if _, err := f.Service.RetryMessage(t.Context(), failed[0].ID); err == nil {
		t.Error("a sent message could be retried")
	}
}

func (f *fixture) list(q bridge.MessageQuery) []bridge.Message {
	f.t.Helper()
	list, next, err := f.Service.Messages(f.t.Context(), q)
	if err != nil || next != uuid.Nil {
		f.t.Fatalf("%v, more: %v", err, next)
	}
	return list
}

// assertAllDelivered checks that the failing endpoint has received all token
// events, each under one id and with a valid token.
func (f *fixture) assertAllDelivered(events int) {
	f.t.Helper()
	tokens, attempts := 0, f.failing.Attempts()
	for id, d := range f.failing.Received() {
		if d.Payload.Type != bridge.EventTokenCreated {
			continue
		}
		tokens++
		if _, err := f.Service.Preview(f.t.Context(), d.Payload.Data.Token); err != nil {
			f.t.Fatalf("the delivered token: %v", err)
		}
		seen := map[string]bool{}
		for i, a := range attempts[id] {
			if a.Attempt < i && seen[a.Payload.Data.Token] {
				f.t.Fatal("two attempts had the same token")
			}
			seen[a.Payload.Data.Token] = true
		}
	}
	if tokens != events {
		f.t.Errorf("%d of %d events were delivered", tokens, events)
	}
}
