package outbox_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/outbox"
)

// withOutbox has the service know the worker's endpoints.
func withOutbox(p *post) func(*bridge.Config) {
	return func(c *bridge.Config) { c.Outbox = lateOutbox{p} }
}

// lateOutbox is the worker of a post that is made after its service.
type lateOutbox struct{ post *post }

func (o lateOutbox) Endpoints() []bridge.Endpoint { return o.post.worker.Endpoints() }

func (o lateOutbox) Enable(id string) bool { return o.post.worker.Enable(id) }

func newServedPost(t *testing.T) *post {
	p := &post{}
	*p = *newPost(t, p.woken, withOutbox(p))
	p.running()
	return p
}

// TestEnable: a receiver answers 410. Its endpoint is shown as disabled, and a
// retry says so and changes nothing. Once it is enabled, what waited is sent.
func TestEnable(t *testing.T) {
	p := newServedPost(t)
	p.sick.Fail(bridge.Disabled)
	p.invite(1)
	p.eventually(func() bool { return p.endpoint("sick").State == bridge.EndpointDisabled })
	p.eventually(func() bool { return len(p.failed()) > 0 })
	if at, began := p.endpoint("sick").DisabledAt, p.failed()[0].Attempts[0].At; !at.Equal(began) {
		t.Errorf("disabled at %s by the attempt of %s", at, began)
	}
	if e := p.endpoint("well"); e != (bridge.Endpoint{ID: "well", State: bridge.EndpointEnabled}) {
		t.Errorf("got %+v", e)
	}
	failed := p.failed()[0]
	if _, err := p.Service.RetryMessage(t.Context(), failed.ID); !errors.Is(err, bridge.ErrEndpointDisabled) {
		t.Errorf("retry: %v", err)
	}
	if diff := cmp.Diff(failed, p.message(failed.ID)); diff != "" {
		t.Errorf("the retry changed the message: %s", diff)
	}
	p.sick.Answer(nil)
	invite(p, "later@example.com")

	if _, err := p.Service.EnableEndpoint(t.Context(), "nobody"); !errors.Is(err, bridge.ErrEndpointNotFound) {
		t.Errorf("an unknown endpoint: %v", err)
	}
	for range 2 { // the second time changes nothing
		e, err := p.Service.EnableEndpoint(t.Context(), "sick")
		if err != nil || e != p.endpoint("sick") || e.State != bridge.EndpointEnabled {
			t.Fatalf("%+v, %v", e, err)
		}
	}
	p.eventually(func() bool { return p.queued() == 0 })
	if _, err := p.Service.RetryMessage(t.Context(), failed.ID); err != nil {
		t.Fatal(err)
	}
	p.eventually(func() bool { return p.message(failed.ID).State == bridge.MessageSent })
}

// TestEnableOutlivesFormerAttempts: the endpoint is enabled while attempts at it
// are under way. Their 410 is not about what comes after.
func TestEnableOutlivesFormerAttempts(t *testing.T) {
	p := newServedPost(t)
	arrived, release := make(chan uuid.UUID, 2), []chan struct{}{make(chan struct{}), make(chan struct{})}
	var ids []uuid.UUID
	p.well.Answer(func(d bridge.Dispatch) bridge.Result {
		n := 0
		if d.Payload.Data.Invitation.Email == "second@example.com" {
			n = 1
		}
		arrived <- d.MessageID
		<-release[n]
		return bridge.Result{Outcome: bridge.Disabled, Status: 410}
	})
	for _, email := range []string{"first@example.com", "second@example.com"} {
		invite(p, email)
		ids = append(ids, <-arrived)
	}
	close(release[0])
	p.eventually(func() bool { return p.endpoint("well").State == bridge.EndpointDisabled })
	p.well.Answer(nil)
	if !p.worker.Enable("well") {
		t.Fatal("there is no such endpoint")
	}
	close(release[1])
	p.eventually(func() bool { return p.message(ids[1]).State == bridge.MessageFailed })
	if e := p.endpoint("well"); e.State != bridge.EndpointEnabled {
		t.Errorf("got %+v", e)
	}
	invite(p, "third@example.com")
	p.eventually(func() bool { return p.queued() == 0 })
}

// TestReplaceKeepsDisabled: a reload of the same endpoint does not enable it; one
// that changes it does.
func TestReplaceKeepsDisabled(t *testing.T) {
	p := newServedPost(t)
	of := func(settings any) []outbox.Endpoint {
		return []outbox.Endpoint{{Name: "well", Sender: p.well, Concurrency: 1, Settings: settings}}
	}
	p.worker.Replace(of([]string{"https://old.example.com"}))
	p.well.Fail(bridge.Disabled)
	p.invite(1)
	p.eventually(func() bool { return p.endpoint("well").State == bridge.EndpointDisabled })
	before := p.endpoint("well")
	p.worker.Replace(of([]string{"https://old.example.com"}))
	if diff := cmp.Diff(before, p.endpoint("well")); diff != "" {
		t.Errorf("the same endpoint: %s", diff)
	}
	latter := bridgetest.NewReceiver()
	p.worker.Replace([]outbox.Endpoint{{Name: "well", Sender: latter, Concurrency: 1, Settings: []string{"https://new.example.com"}}})
	if e := p.endpoint("well"); e.State != bridge.EndpointEnabled {
		t.Errorf("another URL: %+v", e)
	}
	invite(p, "later@example.com")
	p.eventually(func() bool { return len(latter.Taken()) == 1 })
}

func invite(p *post, email string) {
	p.t.Helper()
	if _, err := p.Service.Invite(p.t.Context(), bridge.InviteRequest{Email: email}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *post) endpoint(id string) bridge.Endpoint {
	p.t.Helper()
	for _, e := range p.Service.Endpoints() {
		if e.ID == id {
			return e
		}
	}
	p.t.Fatalf("there is no endpoint %s", id)
	return bridge.Endpoint{}
}

func (p *post) failed() []bridge.Message {
	return p.list(bridge.MessageQuery{State: bridge.MessageFailed, Limit: 10})
}
