package kratos_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

func TestOutcome(t *testing.T) {
	for _, o := range ops {
		for _, tr := range failureCases {
			if o.name == "create_all" && tr.status == http.StatusRequestEntityTooLarge {
				continue // it is sent in parts: TestCreateAll_inParts
			}
			t.Run(o.name+"/"+tr.name, func(t *testing.T) { t.Parallel(); checkFailure(t, o, tr) })
		}
		if o.name == "ping" { // only the status counts
			continue
		}
		for _, tr := range malformedBodies {
			if o.name == "has_sessions" && tr.name == "a malformed list" {
				continue // has_sessions takes that for a session
			}
			t.Run(o.name+"/"+tr.name, func(t *testing.T) { t.Parallel(); checkFailure(t, o, tr) })
		}
	}
}

func checkFailure(t *testing.T, o op, tr failureCase) {
	b := newFixture(t, tr.config())
	before := b.fake.Count(o.method, o.route).Calls
	reads := b.fake.Count(http.MethodGet, kratostest.RouteIdentity).Calls
	tr.fault.Method, tr.fault.Route = o.method, o.route
	b.fake.Inject(tr.fault)
	err := o.run(t.Context(), b)

	if (o.name == "ping" || o.method == http.MethodDelete) && tr.name == "cut in the body" { // there may be no body
		if err != nil && !isOutcome(err, bridge.OutcomeUnknown) {
			t.Errorf("error is %v", err)
		}
		return
	}
	var e *bridge.IdentityError
	if !errors.As(err, &e) {
		t.Fatalf("error is %v, want an IdentityError", err)
	}
	if e.Outcome != tr.outcome || e.Op != o.name {
		t.Errorf("%q has outcome %d, op %s; want %d, %s", e, e.Outcome, e.Op, tr.outcome, o.name)
	}
	if tr.status >= 0 && e.Status != tr.status {
		t.Errorf("status is %d, want %d", e.Status, tr.status)
	}
	// A read without a response is repeated once, and also by net/http if the
	// connection was reused; a write is never repeated.
	calls, limit := b.fake.Count(o.method, o.route).Calls-before, 1
	if tr.lost && o.done == nil {
		limit = 3
	}
	if calls < 1 || calls > limit {
		t.Errorf("%d requests, want at most %d", calls, limit)
	}
	if o.done == nil {
		return
	}
	if got := o.done(t, b); got != tr.effect {
		t.Errorf("took effect: %v", got)
	}
	if n := b.fake.Count(http.MethodGet, kratostest.RouteIdentity).Calls - reads; n != 0 {
		t.Errorf("it read the identity %d times", n)
	}
}

func isOutcome(err error, want bridge.CallOutcome) bool {
	var e *bridge.IdentityError
	return errors.As(err, &e) && e.Outcome == want
}

// Kratos' own response about a race or a missing identity is not a failure of
// the call. The caller must read again: the client repeats nothing.
func TestWrite_refusals(t *testing.T) {
	const missing = `{"error":{"code":404,"status":"Not Found","message":"Unable to locate the resource"}}`
	for _, o := range writes {
		for name, test := range map[string]struct {
			fault kratostest.Fault
			want  error
		}{
			"race":    {respondWith(409, `{"error":{"code":409,"message":"exists already"}}`, ""), bridge.ErrIdentityRace},
			"missing": {respondWith(404, missing, ""), bridge.ErrIdentityNotFound},
		} {
			t.Run(o.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				b := newFixture(t, kratos.Config{Timeout: longTimeout})
				test.fault.Method, test.fault.Route = o.method, o.route
				remove := b.fake.Inject(test.fault)
				if name == "missing" && o.method == http.MethodDelete {
					test.want = nil
				}
				if err := o.run(t.Context(), b); !errors.Is(err, test.want) {
					t.Errorf("error is %v, want %v", err, test.want)
				}
				if n := b.fake.Count(o.method, o.route).Calls; n != 1 || o.done(t, b) {
					t.Errorf("%d requests, want one without an effect", n)
				}
				remove()
				if err := o.run(t.Context(), b); err != nil || !o.done(t, b) {
					t.Errorf("again: %v", err)
				}
			})
		}
	}
}

func TestOutcome_connectionRefused(t *testing.T) {
	for _, o := range ops {
		t.Run(o.name, func(t *testing.T) {
			b := newFixture(t, kratos.Config{})
			b.fake.Down()
			if err := o.run(t.Context(), b); !isOutcome(err, bridge.OutcomeNotApplied) {
				t.Errorf("while down: %v", err)
			}
			if err := b.fake.Up(); err != nil {
				t.Fatal(err)
			}
			if err := o.run(t.Context(), b); err != nil {
				t.Errorf("up again: %v", err)
			}
		})
	}
}

// A read tolerates one lost response.
func TestOutcome_readTwice(t *testing.T) {
	for _, o := range reads {
		b := newFixture(t, kratos.Config{})
		b.fake.Inject(kratostest.Fault{Do: kratostest.CutAfter, Times: 1})
		if err := o.run(t.Context(), b); err != nil {
			t.Errorf("%s: %v", o.name, err)
		}
	}
}

// A request without a connection was not sent.
func TestOutcome_noConnection(t *testing.T) {
	t.Run("all in use", func(t *testing.T) {
		b := newFixture(t, kratos.Config{MaxConns: 1})
		arrived, hold := make(chan struct{}), make(chan struct{})
		b.fake.Inject(kratostest.Fault{Times: 1, Arrived: func() { close(arrived) }, Hold: hold})
		first := make(chan error, 1)
		go func() { first <- b.client.Ping(t.Context()) }()
		<-arrived
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := createOp.run(ctx, b)
		if !isOutcome(err, bridge.OutcomeNotApplied) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
		close(hold)
		if err := <-first; err != nil {
			t.Errorf("the first: %v", err)
		}
	})
	t.Run("no TLS", func(t *testing.T) {
		s := httptest.NewTLSServer(http.NotFoundHandler())
		s.Config.ErrorLog = discard
		defer s.Close()
		b := &fixture{client: newClient(t, kratos.Config{AdminURL: s.URL}), mark: uuid.New()}
		if err := createOp.run(t.Context(), b); !isOutcome(err, bridge.OutcomeNotApplied) || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("error is %v", err)
		}
	})
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A custom transport may not report when a request is sent.
func TestOutcome_customTransport(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		want bridge.CallOutcome
	}{
		{"fails", errors.New("something broke"), bridge.OutcomeUnknown},
		{"fails to dial", &net.OpError{Op: "dial", Err: errors.New("refused")}, bridge.OutcomeNotApplied},
		{"fails to look up", &net.OpError{Op: "dial", Err: &net.DNSError{Name: "kratos", IsNotFound: true}}, bridge.OutcomeNotApplied},
		{"fails to read", &net.OpError{Op: "read", Err: errors.New("reset")}, bridge.OutcomeUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newClient(t, kratos.Config{AdminURL: "http://kratos.invalid", Transport: transportFunc(
				func(*http.Request) (*http.Response, error) { return nil, test.err },
			)})
			_, err := c.Create(t.Context(), bridge.IdentityParams{InvitationID: uuid.New(), SchemaID: "x", Traits: []byte(`{}`)})
			if !isOutcome(err, test.want) {
				t.Errorf("error is %v, want outcome %d", err, test.want)
			}
		})
	}
}
