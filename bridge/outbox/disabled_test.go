package outbox_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/outbox"
)

// withOutbox connects the service to the worker's endpoints.
func withOutbox(f *fixture) func(*bridge.Config) {
	return func(c *bridge.Config) { c.Outbox = testOutbox{f} }
}

// testOutbox is the worker of a fixture, which is created after the service.
type testOutbox struct{ fixture *fixture }

func (o testOutbox) Endpoints() []bridge.Endpoint { return o.fixture.worker.Endpoints() }

func (o testOutbox) Enable(ctx context.Context, id string) (bool, error) {
	return o.fixture.worker.Enable(ctx, id)
}

func (o testOutbox) Reserve(endpoint string) (bridge.Slot, time.Duration) {
	return o.fixture.worker.Reserve(endpoint)
}

func newOutboxFixture(t *testing.T) *fixture {
	f := &fixture{}
	*f = *newFixture(t, f.wakeups, withOutbox(f))
	f.running()
	return f
}

// TestEnable: a receiver responds with 410. Its endpoint is reported as disabled,
// and a retry fails and changes nothing. Once it is enabled, queued messages are
// sent.
func TestEnable(t *testing.T) {
	f := newOutboxFixture(t)
	f.failing.Fail(bridge.AttemptDisabled)
	f.invite(1)
	f.eventually(func() bool { return f.endpoint("failing").State == bridge.EndpointDisabled })
	f.eventually(func() bool { return len(f.failed()) > 0 })
	if at, began := f.endpoint("failing").DisabledAt, f.failed()[0].Attempts[0].At; !at.Equal(began) {
		t.Errorf("disabled at %s by the attempt of %s", at, began)
	}
	if e := f.endpoint("healthy"); e != (bridge.Endpoint{ID: "healthy", State: bridge.EndpointEnabled}) {
		t.Errorf("got %+v", e)
	}
	failed := f.failed()[0]
	if _, err := f.Service.RetryMessage(t.Context(), failed.ID); !errors.Is(err, bridge.ErrEndpointDisabled) {
		t.Errorf("retry: %v", err)
	}
	if diff := cmp.Diff(failed, f.message(failed.ID)); diff != "" {
		t.Errorf("the retry changed the message: %s", diff)
	}
	f.failing.Answer(nil)
	invite(f, "later@example.com")

	if _, err := f.Service.EnableEndpoint(t.Context(), "unknown"); !errors.Is(err, bridge.ErrEndpointNotFound) {
		t.Errorf("an unknown endpoint: %v", err)
	}
	for range 2 { // the second time changes nothing
		e, err := f.Service.EnableEndpoint(t.Context(), "failing")
		if err != nil || e != f.endpoint("failing") || e.State != bridge.EndpointEnabled {
			t.Fatalf("%+v, %v", e, err)
		}
	}
	f.eventually(func() bool { return f.queued() == 0 })
	if _, err := f.Service.RetryMessage(t.Context(), failed.ID); err != nil {
		t.Fatal(err)
	}
	f.eventually(func() bool { return f.message(failed.ID).State == bridge.MessageSent })
}

// TestEnableIgnoresEarlierAttempts: the endpoint is enabled while attempts are in
// flight. Their 410 does not disable it again.
func TestEnableIgnoresEarlierAttempts(t *testing.T) {
	f := newOutboxFixture(t)
	arrived, release := make(chan uuid.UUID, 2), []chan struct{}{make(chan struct{}), make(chan struct{})}
	var ids []uuid.UUID
	f.healthy.Answer(func(d bridge.Dispatch) bridge.SendResult {
		n := 0
		if d.Payload.Data.Invitation.Email == "second@example.com" {
			n = 1
		}
		arrived <- d.MessageID
		<-release[n]
		return bridge.SendResult{Outcome: bridge.AttemptDisabled, Status: 410}
	})
	for _, email := range []string{"first@example.com", "second@example.com"} {
		invite(f, email)
		ids = append(ids, <-arrived)
	}
	close(release[0])
	f.eventually(func() bool { return f.endpoint("healthy").State == bridge.EndpointDisabled })
	f.healthy.Answer(nil)
	if found, err := f.worker.Enable(t.Context(), "healthy"); !found || err != nil {
		t.Fatal("there is no such endpoint")
	}
	close(release[1])
	f.eventually(func() bool { return f.message(ids[1]).State == bridge.MessageFailed })
	if e := f.endpoint("healthy"); e.State != bridge.EndpointEnabled {
		t.Errorf("got %+v", e)
	}
	invite(f, "third@example.com")
	f.eventually(func() bool { return f.queued() == 0 })
}

// TestSetEndpointsKeepsDisabled: a disabled endpoint stays disabled if its settings
// are unchanged, and is enabled if they change.
func TestSetEndpointsKeepsDisabled(t *testing.T) {
	f := newOutboxFixture(t)
	of := func(settings any) []outbox.Endpoint {
		return []outbox.Endpoint{{Name: "healthy", Sender: f.healthy, Concurrency: 1, Settings: settings}}
	}
	f.worker.SetEndpoints(of([]string{"https://old.example.com"}))
	f.healthy.Fail(bridge.AttemptDisabled)
	f.invite(1)
	f.eventually(func() bool { return f.endpoint("healthy").State == bridge.EndpointDisabled })
	before := f.endpoint("healthy")
	f.worker.SetEndpoints(of([]string{"https://old.example.com"}))
	if diff := cmp.Diff(before, f.endpoint("healthy")); diff != "" {
		t.Errorf("the same endpoint: %s", diff)
	}
	replacement := bridgetest.NewReceiver()
	f.worker.SetEndpoints([]outbox.Endpoint{{Name: "healthy", Sender: replacement, Concurrency: 1, Settings: []string{"https://new.example.com"}}})
	if e := f.endpoint("healthy"); e.State != bridge.EndpointEnabled {
		t.Errorf("another URL: %+v", e)
	}
	invite(f, "later@example.com")
	f.eventually(func() bool { return len(replacement.Received()) == 1 })
}

func invite(f *fixture, email string) {
	f.t.Helper()
	if _, err := f.Service.Invite(f.t.Context(), bridge.InviteRequest{Email: email}); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) endpoint(id string) bridge.Endpoint {
	f.t.Helper()
	for _, e := range f.Service.Endpoints() {
		if e.ID == id {
			return e
		}
	}
	f.t.Fatalf("there is no endpoint %s", id)
	return bridge.Endpoint{}
}

func (f *fixture) failed() []bridge.Message {
	return f.list(bridge.MessageQuery{State: bridge.MessageFailed, Limit: 10})
}

// board is what two workers share.
type board struct {
	mu       sync.Mutex
	disabled []bridge.DisabledEndpoint
	enabled  map[string]time.Time // last
}

func (*board) Now() time.Time { return time.Now() }

func (b *board) DisabledEndpoints(context.Context) ([]bridge.DisabledEndpoint, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.disabled), nil
}

func (b *board) DisableEndpoint(_ context.Context, e bridge.DisabledEndpoint) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.At.After(b.enabled[e.ID]) {
		b.disabled = append(b.disabled, e)
	}
	return nil
}

func (b *board) EnableEndpoint(_ context.Context, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.enabled[id] = time.Now()
	b.disabled = slices.DeleteFunc(b.disabled, func(e bridge.DisabledEndpoint) bool { return e.ID == id })
	return nil
}

// newSharedFixtures starts two workers that share a board. Both waits until the
// endpoint "failing" has a state at both, and "healthy" is enabled.
func newSharedFixtures(t *testing.T) (first, second *fixture, shared *board, both func(bridge.EndpointState)) {
	shared = &board{enabled: map[string]time.Time{}}
	var fixtures []*fixture
	for range 2 {
		f := &fixture{}
		*f = *newFixture(t, f.wakeups, withOutbox(f))
		f.worker.Share(shared, 5*time.Millisecond)
		f.running()
		fixtures = append(fixtures, f)
	}
	both = func(state bridge.EndpointState) {
		t.Helper()
		for _, f := range fixtures {
			f.eventually(func() bool {
				return f.endpoint("failing").State == state && f.endpoint("healthy").State == bridge.EndpointEnabled
			})
		}
	}
	return fixtures[0], fixtures[1], shared, both
}

// TestSharedEndpoints: an endpoint that one worker finds disabled is disabled for
// another one with the same settings, and enabled for both.
func TestSharedEndpoints(t *testing.T) {
	first, second, shared, both := newSharedFixtures(t)
	first.failing.Fail(bridge.AttemptDisabled)
	first.invite(1)
	both(bridge.EndpointDisabled)
	if first.endpoint("failing") != second.endpoint("failing") {
		t.Errorf("%+v and %+v", first.endpoint("failing"), second.endpoint("failing"))
	}
	first.failing.Fail("")
	if _, err := second.Service.EnableEndpoint(t.Context(), "failing"); err != nil {
		t.Fatal(err)
	}
	both(bridge.EndpointEnabled)
	_ = shared.DisableEndpoint(t.Context(), bridge.DisabledEndpoint{ID: "healthy", Settings: [32]byte{1}, At: time.Now()})
	time.Sleep(50 * time.Millisecond) // several periods
	both(bridge.EndpointEnabled)
}

// TestSharedEnable: an endpoint is enabled at one worker while an attempt of another one
// is in flight. Its 410 does not disable the endpoint.
func TestSharedEnable(t *testing.T) {
	first, second, _, both := newSharedFixtures(t)
	arrived, release := make(chan uuid.UUID, 1), make(chan struct{})
	first.failing.Answer(func(d bridge.Dispatch) bridge.SendResult {
		arrived <- d.MessageID
		<-release
		return bridge.SendResult{Outcome: bridge.AttemptDisabled, Status: 410}
	})
	first.invite(1)
	id := <-arrived
	if _, err := second.Service.EnableEndpoint(t.Context(), "failing"); err != nil {
		t.Fatal(err)
	}
	close(release)
	first.eventually(func() bool { return first.message(id).State == bridge.MessageFailed })
	both(bridge.EndpointEnabled)
}
