package outbox_test

import (
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/outbox"
)

// TestReplace: a running worker is given other endpoints. An attempt under way
// ends as it began and is noted; what comes then goes the new way; an endpoint
// that is no longer there keeps its messages until it is back, and one that
// was disabled before it was taken out is attempted again.
func TestReplace(t *testing.T) {
	p, stop := newRunningPost(t)
	arrived, release := make(chan uuid.UUID, 1), make(chan struct{})
	p.sick.Answer(func(d bridge.Dispatch) bridge.Result {
		arrived <- d.MessageID
		<-release
		return bridge.Result{Outcome: bridge.Sent}
	})
	p.well.Fail(bridge.Disabled)
	p.invite(1)
	first := <-arrived
	p.eventually(func() bool { return len(p.well.Attempts()) == 1 })

	latter := bridgetest.NewReceiver()
	p.worker.Replace([]outbox.Endpoint{{Name: "sick", Sender: latter, Concurrency: 1}})
	revoke(p)
	p.eventually(func() bool { return len(latter.Taken()) == 2 }) // also that the other endpoint failed
	close(release)
	p.eventually(func() bool { return p.message(first).State == bridge.MessageSent })
	if n := p.queued(); n != 1 {
		t.Errorf("%d messages wait for the endpoint that is gone", n)
	}

	p.worker.Replace([]outbox.Endpoint{{Name: "well", Sender: latter, Concurrency: 1}})
	p.eventually(func() bool { return p.queued() == 0 })
	if taken, former := len(latter.Taken()), len(p.sick.Taken()); taken != 3 || former != 1 {
		t.Errorf("the new receiver has %d, the former one %d", taken, former)
	}
	stop()
	p.worker.Replace(nil) // there is nobody to start anything
}

// TestReplaceDelaysNothing: what was under way, and has to be tried again, is
// tried by the new endpoint when it is due, and not when a lease would end.
func TestReplaceDelaysNothing(t *testing.T) {
	p, _ := newRunningPost(t)
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	p.sick.Answer(func(bridge.Dispatch) bridge.Result {
		arrived <- struct{}{}
		<-release
		return bridge.Result{Outcome: bridge.Retry}
	})
	p.invite(1)
	<-arrived
	latter := bridgetest.NewReceiver()
	p.worker.Replace([]outbox.Endpoint{{Name: "sick", Sender: latter, Concurrency: 1}})
	close(release)
	p.eventually(func() bool { return len(latter.Taken()) == 1 })
}

// TestReplaceKeepsTheBound: what former endpoints of a name still have under way
// counts.
func TestReplaceKeepsTheBound(t *testing.T) {
	const limit, times = 8, 5
	p, _ := newRunningPost(t)
	release := make(chan struct{})
	var atOnce atomic.Int32
	hang := bridgetest.NewReceiver()
	hang.Answer(func(bridge.Dispatch) bridge.Result {
		atOnce.Add(1)
		defer atOnce.Add(-1)
		<-release
		return bridge.Result{Outcome: bridge.Sent}
	})
	p.worker.Replace([]outbox.Endpoint{{Name: "sick", Sender: hang, Concurrency: limit}})
	p.invite(100)
	for i := range times {
		p.eventually(func() bool { return int(atOnce.Load()) == limit+i })
		p.worker.Replace([]outbox.Endpoint{{Name: "sick", Sender: hang, Concurrency: limit}})
	}
	p.eventually(func() bool { return int(atOnce.Load()) == limit+times })
	close(release)
	p.eventually(func() bool { return len(hang.Taken()) == 100 })
}

func revoke(p *post) {
	p.t.Helper()
	if _, err := p.Service.Revoke(p.t.Context(), p.newest().InvitationID); err != nil {
		p.t.Fatal(err)
	}
}

func (p *post) message(id uuid.UUID) bridge.Message {
	p.t.Helper()
	m, err := p.Service.Message(p.t.Context(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	return m
}
