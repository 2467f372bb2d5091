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

// The slow are told from the quick by this, so it must be long enough for all
// that is quick, on a machine that has other things to do.
const testTimeout = 500 * time.Millisecond

// bench is a fake with one invited identity, and a client of it.
type bench struct {
	fake   *kratostest.Fake
	client *kratos.Client
	made   bridge.Identity
	mark   uuid.UUID
}

const invitedEmail = "ada@example.com"

func newBench(t *testing.T, config kratos.Config) *bench {
	t.Helper()
	b := &bench{fake: newFake(t, kratostest.FakeOptions{ExternalIDs: true}), mark: uuid.New()}
	config.AdminURL = b.fake.URL
	b.client = newClient(t, config)
	var err error
	b.made, err = newClient(t, kratos.Config{AdminURL: b.fake.URL}).Create(t.Context(), bridge.NewIdentity{
		InvitationID: b.mark, SchemaID: kratostest.DefaultSchema, Traits: []byte(`{"email":"` + invitedEmail + `"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) activation() bridge.Activation {
	return bridge.Activation{InvitationID: b.mark, AcceptedAt: time.Unix(1e9, 0), Password: "correct horse"}
}

// op is a method of the client, and the request that it ends with.
type op struct {
	name, method, route string
	write               bool
	run                 func(context.Context, *bench) error
	// done says whether it has had its effect.
	done func(*testing.T, *bench) bool
}

func never(*testing.T, *bench) bool { return false }

var ops = []op{
	{
		name: "create", method: http.MethodPost, route: kratostest.RouteIdentities, write: true,
		run: func(ctx context.Context, b *bench) error {
			_, err := b.client.Create(ctx, bridge.NewIdentity{
				InvitationID: b.mark, SchemaID: kratostest.DefaultSchema, Traits: []byte(`{"email":"bob@example.com"}`),
			})
			return err
		},
		done: func(_ *testing.T, b *bench) bool { return b.fake.Len() == 2 },
	},
	{
		name: "get", method: http.MethodGet, route: kratostest.RouteIdentity,
		run: func(ctx context.Context, b *bench) error {
			_, err := b.client.Get(ctx, b.made.ID)
			return err
		},
		done: never,
	},
	{
		name: "find", method: http.MethodGet, route: kratostest.RouteIdentities,
		run: func(ctx context.Context, b *bench) error {
			_, err := b.client.FindByEmail(ctx, invitedEmail)
			return err
		},
		done: never,
	},
	{
		name: "ping", method: http.MethodGet, route: kratostest.RouteReady,
		run:  func(ctx context.Context, b *bench) error { return b.client.Ping(ctx) },
		done: never,
	},
	{
		name: "activate", method: http.MethodPut, route: kratostest.RouteIdentity, write: true,
		run: func(ctx context.Context, b *bench) error {
			return b.client.Activate(ctx, b.made.ID, b.activation())
		},
		done: func(t *testing.T, b *bench) bool {
			return b.fake.SignIn(t.Context(), invitedEmail, "correct horse") == nil
		},
	},
	{
		name: "delete", method: http.MethodDelete, route: kratostest.RouteIdentity, write: true,
		run:  func(ctx context.Context, b *bench) error { return b.client.Delete(ctx, b.made.ID, b.mark) },
		done: func(_ *testing.T, b *bench) bool { return b.fake.Len() == 0 },
	},
}

func answers(status int, body, contentType string) kratostest.Fault {
	return kratostest.Fault{Do: kratostest.Answer, Status: status, Body: body, ContentType: contentType}
}

const (
	text = "text/plain; charset=utf-8"
	html = "text/html"
)

// trouble is what may happen to a request, and what is known afterwards.
type trouble struct {
	name    string
	fault   kratostest.Fault
	outcome bridge.Outcome
	status  int
	effect  bool // a write has its effect
	slow    bool // it takes longer than the client waits
	lost    bool // no answer came, so a read asks again
}

var troubles = []trouble{
	{name: "cut before", fault: kratostest.Fault{Do: kratostest.CutBefore}, outcome: bridge.OutcomeUnknown, lost: true},
	{name: "cut after", fault: kratostest.Fault{Do: kratostest.CutAfter}, outcome: bridge.OutcomeUnknown, effect: true, lost: true},
	{name: "cut in the body", fault: kratostest.Fault{Do: kratostest.CutBody}, outcome: bridge.OutcomeUnknown, effect: true, lost: true, status: -1},
	{name: "slow answer", fault: kratostest.Fault{Stall: time.Minute}, outcome: bridge.OutcomeUnknown, effect: true, slow: true},
	{name: "slow before", fault: kratostest.Fault{Delay: time.Minute}, outcome: bridge.OutcomeUnknown, slow: true},
	{name: "500", fault: answers(500, `{"error":{"code":500,"message":"no"}}`, ""), outcome: bridge.OutcomeUnknown, status: 500},
	{name: "500 after all", fault: kratostest.Fault{Do: kratostest.CommitAndAnswer, Status: 500}, outcome: bridge.OutcomeUnknown, status: 500, effect: true},
	{name: "502 of a gateway", fault: answers(502, "<h1>Bad Gateway</h1>", html), outcome: bridge.OutcomeUnknown, status: 502},
	{name: "503", fault: answers(503, "", text), outcome: bridge.OutcomeUnknown, status: 503},
	{name: "504", fault: answers(504, "", text), outcome: bridge.OutcomeUnknown, status: 504},
	{name: "429", fault: answers(429, "slow down", text), outcome: bridge.OutcomeNotDone, status: 429},
	{name: "408", fault: answers(408, "", text), outcome: bridge.OutcomeNotDone, status: 408},
	{name: "400 of a gateway", fault: answers(400, "plain HTTP to an HTTPS port", text), outcome: bridge.OutcomeRefused, status: 400},
	{name: "401", fault: answers(401, `{"error":{"code":401,"message":"who are you"}}`, ""), outcome: bridge.OutcomeRefused, status: 401},
	{name: "403", fault: answers(403, "forbidden", text), outcome: bridge.OutcomeRefused, status: 403},
	{name: "404 of another server", fault: answers(404, "404 page not found", text), outcome: bridge.OutcomeRefused, status: 404},
	{name: "404 of a gateway in Ory's shape", fault: answers(404, `{"error":{"code":404,"message":"no rule matches"}}`, ""), outcome: bridge.OutcomeRefused, status: 404},
	{name: "405", fault: answers(405, "Method Not Allowed", text), outcome: bridge.OutcomeRefused, status: 405},
	{name: "413", fault: answers(413, "", html), outcome: bridge.OutcomeRefused, status: 413},
	{name: "302", fault: answers(302, "", html), outcome: bridge.OutcomeRefused, status: 302},
	{name: "307", fault: answers(307, "", html), outcome: bridge.OutcomeRefused, status: 307},
}

func (tr trouble) config() kratos.Config {
	c := kratos.Config{MaxAnswer: 32 << 10, Timeout: time.Minute}
	if tr.slow {
		c.Timeout = testTimeout
	}
	return c
}

// oddBodies are of a 2xx, which Ping does not read and Delete does not have.
var oddBodies = []trouble{
	{name: "not JSON", fault: answers(201, "<html>welcome</html>", html), outcome: bridge.OutcomeUnknown, status: 201},
	{name: "not an identity", fault: answers(200, `{"id":null}`, ""), outcome: bridge.OutcomeUnknown, status: 200},
	{name: "another identity", fault: answers(200, `[{"id":"`+uuid.NewString()+`","schema_id":"x","state":"dubious"}]`, ""), outcome: bridge.OutcomeUnknown, status: 200},
	{name: "nothing", fault: answers(200, "", ""), outcome: bridge.OutcomeUnknown, status: 200},
	{name: "too long", fault: answers(200, `{"id":"`+strings.Repeat("x", 64<<10)+`"}`, ""), outcome: bridge.OutcomeUnknown, status: -1, lost: true},
}

func TestOutcome(t *testing.T) {
	for _, o := range ops {
		for _, tr := range troubles {
			t.Run(o.name+"/"+tr.name, func(t *testing.T) { t.Parallel(); suffer(t, o, tr) })
		}
		if o.name == "ping" || o.name == "delete" {
			continue
		}
		for _, tr := range oddBodies {
			t.Run(o.name+"/"+tr.name, func(t *testing.T) { t.Parallel(); suffer(t, o, tr) })
		}
	}
}

func suffer(t *testing.T, o op, tr trouble) {
	b := newBench(t, tr.config())
	before := b.fake.Count(o.method, o.route).Calls
	tr.fault.Method, tr.fault.Route = o.method, o.route
	b.fake.Inject(tr.fault)
	err := o.run(t.Context(), b)

	if o.name == "ping" && tr.name == "cut in the body" {
		if err != nil && !isOutcome(err, bridge.OutcomeUnknown) {
			t.Errorf("error is %v", err)
		}
		return
	}
	if o.name == "delete" && tr.name == "cut in the body" {
		return // a 204 has no body
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
	if got := o.done(t, b); got != (tr.effect && o.write) {
		t.Errorf("it had its effect: %v", got)
	}
	// A read that got no answer is asked once more, by net/http too if the
	// connection was not new; a write never.
	calls, most := b.fake.Count(o.method, o.route).Calls-before, 1
	if tr.lost && !o.write {
		most = 3
	}
	if calls < 1 || calls > most {
		t.Errorf("%d requests, want at most %d", calls, most)
	}
}

func isOutcome(err error, want bridge.Outcome) bool {
	var e *bridge.IdentityError
	return errors.As(err, &e) && e.Outcome == want
}

func TestOutcome_refusedToDial(t *testing.T) {
	for _, o := range ops {
		t.Run(o.name, func(t *testing.T) {
			b := newBench(t, kratos.Config{})
			b.fake.Down()
			if err := o.run(t.Context(), b); !isOutcome(err, bridge.OutcomeNotDone) {
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

// A write that could not begin, because its read failed, had no effect.
func TestOutcome_readBeforeWrite(t *testing.T) {
	for _, o := range ops {
		if o.name != "activate" && o.name != "delete" {
			continue
		}
		for _, tr := range append(troubles, oddBodies...) {
			t.Run(o.name+"/"+tr.name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, tr.config())
				tr.fault.Method, tr.fault.Route = http.MethodGet, kratostest.RouteIdentity
				b.fake.Inject(tr.fault)
				want := tr.outcome
				if want == bridge.OutcomeUnknown {
					want = bridge.OutcomeNotDone
				}
				if err := o.run(t.Context(), b); !isOutcome(err, want) {
					t.Errorf("error is %v, want outcome %d", err, want)
				}
				if b.fake.Count(o.method, o.route).Calls != 0 {
					t.Error("it wrote")
				}
			})
		}
	}
}

// A read survives one lost answer.
func TestOutcome_readTwice(t *testing.T) {
	for _, o := range ops {
		if o.write {
			continue
		}
		b := newBench(t, kratos.Config{})
		b.fake.Inject(kratostest.Fault{Do: kratostest.CutAfter, Times: 1})
		if err := o.run(t.Context(), b); err != nil {
			t.Errorf("%s: %v", o.name, err)
		}
	}
}

// What never got a connection never left.
func TestOutcome_noConnection(t *testing.T) {
	t.Run("all in use", func(t *testing.T) {
		b := newBench(t, kratos.Config{MaxConns: 1})
		arrived, hold := make(chan struct{}), make(chan struct{})
		b.fake.Inject(kratostest.Fault{Times: 1, Arrived: func() { close(arrived) }, Hold: hold})
		first := make(chan error, 1)
		go func() { first <- b.client.Ping(t.Context()) }()
		<-arrived
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := ops[0].run(ctx, b)
		if !isOutcome(err, bridge.OutcomeNotDone) || !errors.Is(err, context.DeadlineExceeded) {
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
		b := &bench{client: newClient(t, kratos.Config{AdminURL: s.URL}), mark: uuid.New()}
		if err := ops[0].run(t.Context(), b); !isOutcome(err, bridge.OutcomeNotDone) || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("error is %v", err)
		}
	})
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A transport that was given may not tell when a request leaves.
func TestOutcome_foreignTransport(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		want bridge.Outcome
	}{
		{"fails", errors.New("something broke"), bridge.OutcomeUnknown},
		{"fails to dial", &net.OpError{Op: "dial", Err: errors.New("refused")}, bridge.OutcomeNotDone},
		{"fails to look up", &net.OpError{Op: "dial", Err: &net.DNSError{Name: "kratos", IsNotFound: true}}, bridge.OutcomeNotDone},
		{"fails to read", &net.OpError{Op: "read", Err: errors.New("reset")}, bridge.OutcomeUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newClient(t, kratos.Config{AdminURL: "http://kratos.invalid", Transport: transportFunc(
				func(*http.Request) (*http.Response, error) { return nil, test.err },
			)})
			_, err := c.Create(t.Context(), bridge.NewIdentity{InvitationID: uuid.New(), SchemaID: "x", Traits: []byte(`{}`)})
			if !isOutcome(err, test.want) {
				t.Errorf("error is %v, want outcome %d", err, test.want)
			}
		})
	}
}
