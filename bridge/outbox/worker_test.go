package outbox_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/outbox"
	"invitebridge/bridge/testenv"
	"invitebridge/bridge/webhook"
)

// running starts the worker and returns a function that stops it.
func (f *fixture) running() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { f.worker.Run(ctx, f.Service) })
	stop = sync.OnceFunc(func() { cancel(); done.Wait() })
	f.t.Cleanup(stop)
	return stop
}

// wakeups connects the service to the worker.
func (f *fixture) wakeups(c *bridge.Config) {
	c.Wake = func(endpoint string) { f.worker.Wake(endpoint) }
	c.Now = time.Now
}

func newRunningFixture(t testing.TB) (f *fixture, stop func()) {
	f = &fixture{}
	*f = *newFixture(t, f.wakeups)
	return f, f.running()
}

func TestWorkerIsWoken(t *testing.T) {
	f, _ := newRunningFixture(t)
	arrived := make(chan bridge.Dispatch, 1)
	f.healthy.Answer(func(d bridge.Dispatch) bridge.SendResult {
		arrived <- d
		return bridge.SendResult{Outcome: bridge.AttemptSent}
	})
	for range 20 {
		f.invite(1)
		if d := testenv.Receive(t, "the first message arrives", arrived); d.Payload.Data.Token == "" {
			t.Errorf("notified of %s", d.Payload.Type)
		}
		_, err := f.Service.Revoke(t.Context(), f.newest().InvitationID)
		if err != nil {
			t.Fatal(err)
		}
		if d := testenv.Receive(t, "the second message arrives", arrived); d.Payload.Type != bridge.EventInvitationRevoked {
			t.Errorf("notified of %s", d.Payload.Type)
		}
	}
}

func (f *fixture) newest() bridge.Message {
	f.t.Helper()
	list, _, err := f.Service.Messages(f.t.Context(), bridge.MessageQuery{Limit: 1})
	if err != nil || len(list) != 1 {
		f.t.Fatal(err)
	}
	return list[0]
}

// TestWorkerIdles: without messages the worker does not poll the store.
func TestWorkerIdles(t *testing.T) {
	f, _ := newRunningFixture(t)
	f.invite(1)
	f.eventually(func() bool { return len(f.healthy.Received()) == 1 && len(f.failing.Received()) == 1 })
	f.eventually(func() bool { return f.queued() == 0 })
	var calls atomic.Int32
	f.Store.OnCall(func() { calls.Add(1) })
	time.Sleep(500 * time.Millisecond) // the absence of calls has no signal
	if n := calls.Load(); n > 3 {
		t.Errorf("the idle worker called the store %d times", n)
	}
}

func (f *fixture) queued() int {
	return len(f.list(bridge.MessageQuery{State: bridge.MessageQueued, Limit: 500}))
}

// eventually polls a condition that has no signal.
func (f *fixture) eventually(ok func() bool) {
	f.t.Helper()
	testenv.Eventually(f.t, "what the outbox does next", ok)
}

// TestSlowEndpointDelaysNoOther: an endpoint that hangs gets no more concurrent
// attempts than configured, and does not delay the other endpoint.
func TestSlowEndpointDelaysNoOther(t *testing.T) {
	f, stop := newRunningFixture(t)
	release := make(chan struct{})
	var atOnce, most atomic.Int32
	f.failing.Answer(func(bridge.Dispatch) bridge.SendResult {
		n := atOnce.Add(1)
		for m := most.Load(); n > m; m = most.Load() {
			most.CompareAndSwap(m, n)
		}
		<-release
		atOnce.Add(-1)
		return bridge.SendResult{Outcome: bridge.AttemptSent}
	})
	begin := time.Now()
	f.invite(100)
	f.eventually(func() bool { return len(f.healthy.Received()) == 100 })
	t.Logf("100 messages reached the other endpoint within %s", time.Since(begin))
	if n := most.Load(); n > 32 {
		t.Errorf("%d attempts at once", n)
	}
	close(release)
	f.eventually(func() bool { return len(f.failing.Received()) == 100 })
	stop()
}

// TestStopWaitsForAttempts: on shutdown, attempts in flight end and are recorded;
// no message remains claimed.
func TestStopWaitsForAttempts(t *testing.T) {
	f, stop := newRunningFixture(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	f.failing.Answer(func(bridge.Dispatch) bridge.SendResult {
		close(arrived)
		<-release
		return bridge.SendResult{Outcome: bridge.AttemptSent}
	})
	f.invite(1)
	<-arrived
	f.eventually(func() bool { return len(f.healthy.Received()) == 1 })
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	close(release)
	<-stopped
	if n := f.queued(); n != 0 {
		t.Errorf("%d messages are still queued", n)
	}
}

func TestDisabledEndpoint(t *testing.T) {
	f := newFixture(t)
	f.failing.Fail(bridge.AttemptDisabled)
	f.invite(1)
	f.drain()
	f.failing.Answer(nil)
	if _, err := f.Service.Invite(t.Context(), bridge.InviteRequest{Email: "other@example.com"}); err != nil {
		t.Fatal(err)
	}
	f.drain()
	if n := len(f.failing.Received()); n != 0 {
		t.Errorf("the endpoint received %d messages", n)
	}
	restarted := outbox.New([]outbox.Endpoint{{Name: "failing", Sender: f.failing, Concurrency: 4}}, silent)
	if err := restarted.Drain(t.Context(), f.Service); err != nil || len(f.failing.Received()) == 0 {
		t.Errorf("after a restart: %d, %v", len(f.failing.Received()), err)
	}
}

func TestPanickingSender(t *testing.T) {
	f := newFixture(t)
	f.failing.Answer(func(bridge.Dispatch) bridge.SendResult { panic("CANARY") })
	f.invite(1)
	f.drain()
	f.failing.Answer(nil)
	f.advance(10 * time.Second)
	if n := len(f.failing.Received()); n != 1 {
		t.Errorf("%d messages were delivered afterwards", n)
	}
}

// TestExpiredLease: a process claims a message and dies. When its lease expires,
// another process delivers the message under the same id. A late result of the
// first process is ignored.
func TestExpiredLease(t *testing.T) {
	f := newFixture(t)
	f.invite(1)
	lost, _, err := f.Service.ClaimMessages(t.Context(), "failing", 10, time.Minute)
	if err != nil || len(lost) != 1 {
		t.Fatalf("%d, %v", len(lost), err)
	}
	f.drain()
	if len(f.failing.Received()) != 0 {
		t.Fatal("a claimed message was delivered by another process")
	}
	f.Clock.Advance(time.Minute)
	f.drain()
	taken, ok := f.failing.Received()[lost[0].Dispatch.MessageID]
	if !ok || taken.Attempt != 2 || taken.Payload.Data.Token == lost[0].Dispatch.Payload.Data.Token {
		t.Fatalf("%v, attempt %d", ok, taken.Attempt)
	}
	if err := f.Service.FinishMessages(t.Context(), bridge.FinishedMessage{Claimed: lost[0], Result: bridge.SendResult{Outcome: bridge.AttemptFailed}}); err != nil {
		t.Fatal(err)
	}
	m, err := f.Service.Message(t.Context(), lost[0].Dispatch.MessageID)
	if err != nil || m.State != bridge.MessageSent {
		t.Errorf("the message is %s, %v", m.State, err)
	}
	for _, token := range []string{taken.Payload.Data.Token, lost[0].Dispatch.Payload.Data.Token} {
		if _, err := f.Service.Preview(t.Context(), token); err != nil {
			t.Errorf("a token that may have been delivered: %v", err)
		}
	}
}

// BenchmarkDrain measures the delivery of a backlog to a fast receiver, over HTTP
// and signed.
func BenchmarkDrain(b *testing.B) {
	for b.Loop() {
		var taken atomic.Int64
		receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { taken.Add(1) }))
		hooks, err := webhook.New(webhook.Config{Hooks: []webhook.Hook{{
			ID: "healthy", URL: receiver.URL, Events: []bridge.Event{bridge.EventTokenCreated}, Secrets: []string{"whsec_YmVuY2htYXJrLXNlY3JldC1vZi0zMi1ieXRlcy1ubw=="},
		}}})
		if err != nil {
			b.Fatal(err)
		}
		f := newFixture(b, func(c *bridge.Config) { c.EndpointsFor = hooks.Endpoints })
		f.worker = outbox.New([]outbox.Endpoint{{Name: "healthy", Sender: hooks, Concurrency: 32}}, silent)
		const messages = 10_000
		f.backlog(messages)
		begin := time.Now()
		f.drain()
		took := time.Since(begin)
		if taken.Load() != messages {
			b.Fatalf("%d messages were delivered", taken.Load())
		}
		hooks.Close()
		receiver.Close()
		b.ReportMetric(messages/took.Seconds(), "messages/s")
	}
	b.ReportMetric(0, "ns/op") // it would include creating the backlog
}

// backlog creates n invitations concurrently, so that they share commits.
func (f *fixture) backlog(n int) {
	f.t.Helper()
	var callers sync.WaitGroup
	var serial atomic.Int64
	for range 64 {
		callers.Go(func() {
			for i := serial.Add(1); i <= int64(n); i = serial.Add(1) {
				if _, err := f.Service.Invite(f.t.Context(), bridge.InviteRequest{Email: fmt.Sprintf("u%d@example.com", i)}); err != nil {
					f.t.Error(err)
				}
			}
		})
	}
	callers.Wait()
}
