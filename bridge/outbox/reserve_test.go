package outbox_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/outbox"
	"invitebridge/bridge/testenv"
)

// newIdleFixture returns a running fixture whose workers wait for messages.
func newIdleFixture(t *testing.T) *fixture {
	f := newOutboxFixture(t)
	f.awaitIdle()
	return f
}

// awaitIdle waits until each endpoint grants slots.
func (f *fixture) awaitIdle() {
	f.t.Helper()
	for _, endpoint := range []string{"failing", "healthy"} {
		f.eventually(func() bool {
			slot, _ := f.worker.Reserve(endpoint)
			if slot != nil {
				slot.Release()
			}
			return slot != nil
		})
	}
}

// updates counts the updates of the store from now on.
func (f *fixture) updates() *atomic.Int32 {
	var n atomic.Int32
	f.Store.FailUpdates(func(int) error { n.Add(1); return nil })
	return &n
}

// TestOneCommit: while the outbox is idle, the commit of an invitation also claims
// its messages. Their results share one more.
func TestOneCommit(t *testing.T) {
	f := newIdleFixture(t)
	arrived, release := make(chan bridge.Dispatch, 2), make(chan struct{})
	hold := func(d bridge.Dispatch) bridge.SendResult {
		arrived <- d
		<-release
		return bridge.SendResult{Outcome: bridge.AttemptSent}
	}
	f.failing.Answer(hold)
	f.healthy.Answer(hold)
	updates := f.updates()
	f.invite(1)
	for range 2 {
		d := testenv.Receive(t, "a message arrives", arrived)
		if _, err := f.Service.Preview(t.Context(), d.Payload.Data.Token); err != nil || d.Attempt != 1 {
			t.Errorf("attempt %d; its token: %v", d.Attempt, err)
		}
	}
	if n := updates.Load(); n != 1 {
		t.Errorf("%d updates before the results", n)
	}
	close(release)
	f.eventually(func() bool { return f.queued() == 0 })
	if n := updates.Load(); n > 3 { // two if the results were ready within recordDelay
		t.Errorf("%d updates", n)
	}
}

// TestNoOvertaking: while a worker looks for messages that are due, no slot is
// granted to a new one.
func TestNoOvertaking(t *testing.T) {
	f := newIdleFixture(t)
	looking, goOn := make(chan struct{}), make(chan struct{})
	once := sync.OnceFunc(func() { close(looking); <-goOn })
	f.Store.OnCall(once)
	f.worker.Wake("failing")
	<-looking
	if slot, _ := f.worker.Reserve("failing"); slot != nil {
		t.Error("a slot was granted")
		slot.Release()
	}
	close(goOn)
	f.awaitIdle()
}

// TestCommitFailsWithSlot: if the commit fails, nothing is sent and no slot is lost.
func TestCommitFailsWithSlot(t *testing.T) {
	f := newIdleFixture(t)
	f.Store.FailCommits(errors.New("no space left on device"))
	for i := range 100 { // more than there are slots
		if _, err := f.Service.Invite(t.Context(), bridge.InviteRequest{Email: fmt.Sprintf("%d@example.com", i)}); !errors.Is(err, bridge.ErrStoreUnavailable) {
			t.Fatalf("got %v", err)
		}
	}
	f.Store.FailCommits(nil)
	if n := len(f.failing.Attempts()) + len(f.healthy.Attempts()); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
	f.awaitIdle()
	updates := f.updates()
	invite(f, "ada@example.com")
	f.eventually(func() bool { return f.queued() == 0 })
	if n := updates.Load(); n > 3 {
		t.Errorf("%d updates afterwards", n)
	}
}

// TestReplacedWithSlot: the endpoint is replaced, or the worker stopped, between the
// reservation and the commit. The message is sent once, and recorded.
func TestReplacedWithSlot(t *testing.T) {
	for name, change := range map[string]func(f *fixture, stop func()){
		"replaced": func(f *fixture, _ func()) {
			f.worker.SetEndpoints([]outbox.Endpoint{{Name: "failing", Sender: f.failing, Concurrency: 1}, {Name: "healthy", Sender: f.healthy, Concurrency: 1}})
		},
		"stopped": func(_ *fixture, stop func()) { go stop() },
	} {
		t.Run(name, func(t *testing.T) {
			f := &fixture{}
			*f = *newFixture(t, f.wakeups, withOutbox(f))
			stop := f.running()
			f.awaitIdle()
			committing, commit := make(chan struct{}), make(chan struct{})
			once := sync.OnceFunc(func() { close(committing); <-commit })
			f.Store.FailUpdates(func(int) error { once(); return nil })
			var inviting sync.WaitGroup
			inviting.Go(func() { f.invite(1) })
			<-committing
			change(f, stop)
			close(commit)
			inviting.Wait()
			f.eventually(func() bool { return f.queued() == 0 })
			for id, attempts := range f.failing.Attempts() {
				if len(attempts) != 1 {
					t.Errorf("%d attempts of %s", len(attempts), id)
				}
			}
		})
	}
}

// TestResultsSurviveStop: results that wait for others are recorded at the stop.
func TestResultsSurviveStop(t *testing.T) {
	f := &fixture{}
	*f = *newFixture(t, f.wakeups, withOutbox(f))
	stop := f.running()
	f.awaitIdle()
	f.invite(20)
	f.eventually(func() bool { return len(f.healthy.Received()) == 20 && len(f.failing.Received()) == 20 })
	stop()
	if n := f.queued(); n != 0 {
		t.Errorf("%d messages are still queued", n)
	}
}
