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
	"invitebridge/bridge/webhook"
)

// running starts the worker for real, and gives a function that stops it.
func (p *post) running() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { p.worker.Run(ctx, p.Service) })
	stop = sync.OnceFunc(func() { cancel(); done.Wait() })
	p.t.Cleanup(stop)
	return stop
}

// woken connects the service to the worker.
func (p *post) woken(c *bridge.Config) {
	c.Wake = func(endpoint string) { p.worker.Wake(endpoint) }
	c.Now = time.Now
}

func newRunningPost(t testing.TB) (p *post, stop func()) {
	p = &post{}
	*p = *newPost(t, p.woken)
	return p, p.running()
}

func TestWorkerIsWoken(t *testing.T) {
	p, _ := newRunningPost(t)
	arrived := make(chan bridge.Dispatch, 1)
	p.well.Answer(func(d bridge.Dispatch) bridge.Result { arrived <- d; return bridge.Result{Outcome: bridge.Sent} })
	for range 20 {
		begin := time.Now()
		p.invite(1)
		if d := <-arrived; time.Since(begin) > time.Second || d.Payload.Data.Token == "" {
			t.Errorf("%s after %s", d.Payload.Type, time.Since(begin))
		}
		_, err := p.Service.Revoke(t.Context(), p.newest().InvitationID)
		if err != nil {
			t.Fatal(err)
		}
		if d := <-arrived; d.Payload.Type != bridge.EventInvitationRevoked {
			t.Errorf("told of %s", d.Payload.Type)
		}
	}
}

func (p *post) newest() bridge.Message {
	p.t.Helper()
	list, _, err := p.Service.Messages(p.t.Context(), bridge.MessageQuery{Limit: 1})
	if err != nil || len(list) != 1 {
		p.t.Fatal(err)
	}
	return list[0]
}

// TestWorkerIdles: without messages the worker asks the store for nothing.
func TestWorkerIdles(t *testing.T) {
	p, _ := newRunningPost(t)
	p.invite(1)
	p.eventually(func() bool { return len(p.well.Taken()) == 1 && len(p.sick.Taken()) == 1 })
	p.eventually(func() bool { return p.queued() == 0 })
	var calls atomic.Int32
	p.Store.OnCall(func() { calls.Add(1) })
	time.Sleep(500 * time.Millisecond) // nothing is to happen, which has no signal
	if n := calls.Load(); n > 3 {
		t.Errorf("the idle worker called the store %d times", n)
	}
}

func (p *post) queued() int {
	return len(p.list(bridge.MessageQuery{State: bridge.MessageQueued, Limit: 500}))
}

// eventually polls what has no signal of its own.
func (p *post) eventually(ok func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatal("it did not happen in time")
		}
	}
}

// TestSlowEndpointDelaysNobody: one endpoint takes seconds for each message,
// and is given no more than its share of attempts at once.
func TestSlowEndpointDelaysNobody(t *testing.T) {
	p, stop := newRunningPost(t)
	release := make(chan struct{})
	var atOnce, most atomic.Int32
	p.sick.Answer(func(bridge.Dispatch) bridge.Result {
		n := atOnce.Add(1)
		for m := most.Load(); n > m; m = most.Load() {
			most.CompareAndSwap(m, n)
		}
		<-release
		atOnce.Add(-1)
		return bridge.Result{Outcome: bridge.Sent}
	})
	begin := time.Now()
	p.invite(100)
	p.eventually(func() bool { return len(p.well.Taken()) == 100 })
	t.Logf("100 messages reached the other endpoint within %s", time.Since(begin))
	if n := most.Load(); n > 32 {
		t.Errorf("%d attempts at once", n)
	}
	close(release)
	p.eventually(func() bool { return len(p.sick.Taken()) == 100 })
	stop()
}

// TestStopWaitsForAttempts: told to stop, the worker lets attempts in flight
// end, and notes them; nothing is left claimed.
func TestStopWaitsForAttempts(t *testing.T) {
	p, stop := newRunningPost(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	p.sick.Answer(func(bridge.Dispatch) bridge.Result {
		close(arrived)
		<-release
		return bridge.Result{Outcome: bridge.Sent}
	})
	p.invite(1)
	<-arrived
	p.eventually(func() bool { return len(p.well.Taken()) == 1 })
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	close(release)
	<-stopped
	if n := p.queued(); n != 0 {
		t.Errorf("%d messages are queued still", n)
	}
}

func TestDisabledEndpoint(t *testing.T) {
	p := newPost(t)
	p.sick.Fail(bridge.Disabled)
	p.invite(1)
	p.drain()
	p.sick.Answer(nil)
	if _, err := p.Service.Invite(t.Context(), bridge.InviteRequest{Email: "other@example.com"}); err != nil {
		t.Fatal(err)
	}
	p.drain()
	if n := len(p.sick.Taken()); n != 0 {
		t.Errorf("the endpoint was given %d messages", n)
	}
	restarted := outbox.New([]outbox.Endpoint{{Name: "sick", Sender: p.sick, Concurrency: 4}}, silent)
	if err := restarted.Drain(t.Context(), p.Service); err != nil || len(p.sick.Taken()) == 0 {
		t.Errorf("after a restart: %d, %v", len(p.sick.Taken()), err)
	}
}

func TestPanickingSender(t *testing.T) {
	p := newPost(t)
	p.sick.Answer(func(bridge.Dispatch) bridge.Result { panic("CANARY") })
	p.invite(1)
	p.drain()
	p.sick.Answer(nil)
	p.pass(10 * time.Second)
	if n := len(p.sick.Taken()); n != 1 {
		t.Errorf("%d messages were delivered afterwards", n)
	}
}

// TestLapsedLease: a process claims and dies. When its lease ends, another
// delivers under the same id, and the dead one's late word counts for nothing.
func TestLapsedLease(t *testing.T) {
	p := newPost(t)
	p.invite(1)
	lost, _, err := p.Service.ClaimMessages(t.Context(), "sick", 10, time.Minute)
	if err != nil || len(lost) != 1 {
		t.Fatalf("%d, %v", len(lost), err)
	}
	p.drain()
	if len(p.sick.Taken()) != 0 {
		t.Fatal("a message that is held was given to another")
	}
	p.Clock.Advance(time.Minute)
	p.drain()
	taken, ok := p.sick.Taken()[lost[0].Dispatch.MessageID]
	if !ok || taken.Attempt != 2 || taken.Payload.Data.Token == lost[0].Dispatch.Payload.Data.Token {
		t.Fatalf("%v, attempt %d", ok, taken.Attempt)
	}
	if err := p.Service.FinishMessage(t.Context(), lost[0], bridge.Result{Outcome: bridge.Failed}); err != nil {
		t.Fatal(err)
	}
	m, err := p.Service.Message(t.Context(), lost[0].Dispatch.MessageID)
	if err != nil || m.State != bridge.MessageSent {
		t.Errorf("the message is %s, %v", m.State, err)
	}
	for _, token := range []string{taken.Payload.Data.Token, lost[0].Dispatch.Payload.Data.Token} {
		if _, err := p.Service.Look(t.Context(), token); err != nil {
			t.Errorf("a token that may have arrived: %v", err)
		}
	}
}

// BenchmarkDrain measures how fast a backlog goes to a fast receiver, over HTTP
// and signed.
func BenchmarkDrain(b *testing.B) {
	for b.Loop() {
		var taken atomic.Int64
		receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { taken.Add(1) }))
		hooks, err := webhook.New(webhook.Config{Hooks: []webhook.Hook{{
			ID: "well", URL: receiver.URL, Events: []bridge.Event{bridge.EventTokenCreated}, Secrets: []string{"whsec_YmVuY2htYXJrLXNlY3JldC1vZi0zMi1ieXRlcy1ubw=="},
		}}})
		if err != nil {
			b.Fatal(err)
		}
		p := newPost(b, func(c *bridge.Config) { c.Endpoints = hooks.Endpoints })
		p.worker = outbox.New([]outbox.Endpoint{{Name: "well", Sender: hooks, Concurrency: 32}}, silent)
		const messages = 10_000
		p.backlog(messages)
		begin := time.Now()
		p.drain()
		took := time.Since(begin)
		if taken.Load() != messages {
			b.Fatalf("%d were delivered", taken.Load())
		}
		hooks.Close()
		receiver.Close()
		b.ReportMetric(messages/took.Seconds(), "messages/s")
	}
	b.ReportMetric(0, "ns/op") // the filling counts in it
}

// backlog invites many at once, so that the invitations share commits.
func (p *post) backlog(n int) {
	p.t.Helper()
	var callers sync.WaitGroup
	var serial atomic.Int64
	for range 64 {
		callers.Go(func() {
			for i := serial.Add(1); i <= int64(n); i = serial.Add(1) {
				if _, err := p.Service.Invite(p.t.Context(), bridge.InviteRequest{Email: fmt.Sprintf("u%d@example.com", i)}); err != nil {
					p.t.Error(err)
				}
			}
		})
	}
	callers.Wait()
}
