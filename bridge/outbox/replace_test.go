package outbox_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/outbox"
	"invitebridge/bridge/testenv"
)

// TestSetEndpoints: the endpoints of a running worker are replaced. An attempt in
// flight runs to completion and is recorded. Later messages go to the new
// endpoint. A removed endpoint keeps its messages until it is added again, and is
// then enabled even if it was disabled before.
func TestSetEndpoints(t *testing.T) {
	f, stop := newRunningFixture(t)
	arrived, release := make(chan uuid.UUID, 1), make(chan struct{})
	f.failing.Answer(func(d bridge.Dispatch) bridge.SendResult {
		arrived <- d.MessageID
		<-release
		return bridge.SendResult{Outcome: bridge.AttemptSent}
	})
	gone := make(chan struct{})
	f.healthy.Answer(func(bridge.Dispatch) bridge.SendResult {
		<-gone
		return bridge.SendResult{Outcome: bridge.AttemptDisabled, Status: 410}
	})
	f.invite(1)
	first := <-arrived
	f.eventually(func() bool { return len(f.healthy.Attempts()) == 1 })

	replacement := bridgetest.NewReceiver()
	f.worker.SetEndpoints([]outbox.Endpoint{{Name: "failing", Sender: replacement, Concurrency: 1}})
	close(gone)
	f.eventually(func() bool { return len(f.failed()) == 1 })
	revoke(f)                                                             // not earlier: it drops messages without an attempt
	f.eventually(func() bool { return len(replacement.Received()) == 2 }) // one of them reports the failure of the other endpoint
	close(release)
	f.eventually(func() bool { return f.message(first).State == bridge.MessageSent })
	if n := f.queued(); n != 1 {
		t.Errorf("%d messages wait for the removed endpoint", n)
	}

	f.worker.SetEndpoints([]outbox.Endpoint{{Name: "healthy", Sender: replacement, Concurrency: 1}})
	f.eventually(func() bool { return f.queued() == 0 })
	if taken, former := len(replacement.Received()), len(f.failing.Received()); taken != 3 || former != 1 {
		t.Errorf("the new receiver has %d, the former one %d", taken, former)
	}
	stop()
	f.worker.SetEndpoints(nil) // after Run has ended: starts nothing
}

// TestSetEndpointsDelaysNothing: if an attempt in flight needs a retry, the new
// endpoint makes it when it is due, and not only when a lease expires.
func TestSetEndpointsDelaysNothing(t *testing.T) {
	f, _ := newRunningFixture(t)
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	f.failing.Answer(func(bridge.Dispatch) bridge.SendResult {
		arrived <- struct{}{}
		<-release
		return bridge.SendResult{Outcome: bridge.AttemptRetry}
	})
	f.invite(1)
	<-arrived
	replacement := bridgetest.NewReceiver()
	f.worker.SetEndpoints([]outbox.Endpoint{{Name: "failing", Sender: replacement, Concurrency: 1}})
	close(release)
	f.eventually(func() bool { return len(replacement.Received()) == 1 })
}

// TestSetEndpointsKeepsTheBound: attempts in flight of earlier endpoints with the
// same name count toward the concurrency; each replacement may add one.
func TestSetEndpointsKeepsTheBound(t *testing.T) {
	const limit, times = 8, 5
	f, _ := newRunningFixture(t)
	release := make(chan struct{})
	var atOnce atomic.Int32
	hang := bridgetest.NewReceiver()
	hang.Answer(func(bridge.Dispatch) bridge.SendResult {
		atOnce.Add(1)
		defer atOnce.Add(-1)
		<-release
		return bridge.SendResult{Outcome: bridge.AttemptSent}
	})
	f.worker.SetEndpoints([]outbox.Endpoint{{Name: "failing", Sender: hang, Concurrency: limit}})
	f.invite(100)
	for i := range times {
		f.eventually(func() bool { return int(atOnce.Load()) == limit+i })
		f.worker.SetEndpoints([]outbox.Endpoint{{Name: "failing", Sender: hang, Concurrency: limit}})
	}
	f.eventually(func() bool { return int(atOnce.Load()) == limit+times })
	close(release)
	f.eventually(func() bool { return len(hang.Received()) == 100 })
}

func revoke(f *fixture) {
	f.t.Helper()
	if _, err := f.Service.Revoke(f.t.Context(), f.newest().InvitationID); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) message(id uuid.UUID) bridge.Message {
	f.t.Helper()
	m, err := f.Service.Message(f.t.Context(), id)
	if err != nil {
		f.t.Fatal(err)
	}
	return m
}

// TestSetEndpointsFreesSlots: when attempts of the earlier endpoint end, the new one
// uses their slots, although its own attempt hangs.
func TestSetEndpointsFreesSlots(t *testing.T) {
	f, _ := newRunningFixture(t)
	hanging := func(arrived chan struct{}, release chan struct{}) func(bridge.Dispatch) bridge.SendResult {
		return func(bridge.Dispatch) bridge.SendResult {
			arrived <- struct{}{}
			<-release
			return bridge.SendResult{Outcome: bridge.AttemptSent}
		}
	}
	former, current := make(chan struct{}, 10), make(chan struct{}, 10)
	release, end := make(chan struct{}), make(chan struct{})
	defer close(end)
	f.worker.SetEndpoints([]outbox.Endpoint{{Name: "failing", Sender: f.failing, Concurrency: 2}})
	f.failing.Answer(hanging(former, release))
	f.invite(4)
	<-former
	<-former
	replacement := bridgetest.NewReceiver()
	replacement.Answer(hanging(current, end))
	f.worker.SetEndpoints([]outbox.Endpoint{{Name: "failing", Sender: replacement, Concurrency: 2}})
	testenv.Receive(t, "the first attempt", current)
	time.Sleep(200 * time.Millisecond) // the worker waits for a slot by then
	close(release)
	testenv.Receive(t, "the second attempt", current)
}
