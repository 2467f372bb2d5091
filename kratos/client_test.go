package kratos_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

const conflict = `{"error":{"code":409,"message":"exists already"}}`

func TestActivate_race(t *testing.T) {
	put := func(times int) kratostest.Fault {
		f := answers(409, conflict, "")
		f.Method, f.Route, f.Times = http.MethodPut, kratostest.RouteIdentity, times
		return f
	}
	t.Run("lost, then won", func(t *testing.T) {
		b := newBench(t, kratos.Config{})
		b.fake.Inject(put(3))
		if err := b.client.Activate(t.Context(), b.made.ID, b.activation()); err != nil {
			t.Error(err)
		}
		if got := b.fake.Count(http.MethodGet, kratostest.RouteIdentity).Calls; got != 4 {
			t.Errorf("read %d times, want once before each of 4 writes", got)
		}
	})
	t.Run("lost for ever", func(t *testing.T) {
		b := newBench(t, kratos.Config{})
		b.fake.Inject(put(0))
		err := b.client.Activate(t.Context(), b.made.ID, b.activation())
		if !isOutcome(err, bridge.OutcomeNotDone) {
			t.Error(err)
		}
		if got := b.fake.Count(http.MethodPut, kratostest.RouteIdentity).Calls; got != 5 {
			t.Errorf("wrote %d times, want 5", got)
		}
	})
	t.Run("lost to another road", func(t *testing.T) {
		b := newBench(t, kratos.Config{})
		f := put(1)
		f.Arrived = func() {
			if err := b.fake.Activate(t.Context(), b.made.ID, "their own"); err != nil {
				t.Error(err)
			}
		}
		b.fake.Inject(f)
		if err := b.client.Activate(t.Context(), b.made.ID, b.activation()); !errors.Is(err, bridge.ErrIdentityIsActive) {
			t.Errorf("error is %v", err)
		}
		if err := b.fake.SignIn(t.Context(), invitedEmail, "their own"); err != nil {
			t.Errorf("their own password: %v", err)
		}
	})
	t.Run("lost to a deletion", func(t *testing.T) {
		b := newBench(t, kratos.Config{})
		b.fake.Inject(kratostest.Fault{Method: http.MethodPut, Arrived: func() {
			if err := b.fake.Delete(t.Context(), b.made.ID); err != nil {
				t.Error(err)
			}
		}})
		if err := b.client.Activate(t.Context(), b.made.ID, b.activation()); !errors.Is(err, bridge.ErrIdentityNotFound) {
			t.Errorf("error is %v", err)
		}
	})
}

// What a write does not name, Kratos erases; what it does not know, it refuses.
func TestActivate_externalID(t *testing.T) {
	b := newBench(t, kratos.Config{})
	var sent []string
	c := newClient(t, kratos.Config{AdminURL: b.fake.URL, Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPut {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			sent = append(sent, string(body))
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		return http.DefaultTransport.RoundTrip(r)
	})})
	if err := c.Activate(t.Context(), b.made.ID, b.activation()); err != nil {
		t.Fatal(err)
	}
	id, err := b.fake.Create(t.Context(), `{"schema_id":"default","state":"inactive","external_id":"crm-7","traits":{"email":"eve@example.com"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Activate(t.Context(), id, b.activation()); err != nil {
		t.Fatal(err)
	}
	whole, err := b.fake.Read(t.Context(), id)
	if err != nil || !strings.Contains(string(whole), `"external_id":"crm-7"`) {
		t.Errorf("now it is %s, %v", whole, err)
	}
	if len(sent) != 2 || strings.Contains(sent[0], "external_id") || !strings.Contains(sent[1], `"external_id":"crm-7"`) {
		t.Errorf("sent %q", sent)
	}
}

func TestEmailTrait(t *testing.T) {
	s := kratostest.Shared(t)
	f := newFake(t, kratostest.FakeOptions{})
	for name, address := range map[string]string{"Fake": f.URL, "Real": s.AdminURL} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, kratos.Config{AdminURL: address, EmailTrait: "contact.email"})
			email := uuid.NewString() + "@example.com"
			i, err := c.Create(t.Context(), bridge.NewIdentity{
				InvitationID: uuid.New(), SchemaID: kratostest.CustomerSchema,
				Traits: json.RawMessage(`{"contact":{"email":"` + strings.ToUpper(email) + `"},"company":"Ada & Co"}`),
			})
			if err != nil || i.Email != email {
				t.Fatalf("made %+v, %v; want %s", i, err, email)
			}
			found, err := c.FindByEmail(t.Context(), email)
			if err != nil || found.ID != i.ID || found.Email != email {
				t.Errorf("found %+v, %v", found, err)
			}
			elsewhere := newClient(t, kratos.Config{AdminURL: address})
			if found, err = elsewhere.FindByEmail(t.Context(), email); err != nil || found.ID != i.ID || found.Email != "" {
				t.Errorf("by another trait: found %+v, %v", found, err)
			}
			a := bridge.Activation{
				InvitationID: i.Mark.InvitationID, AcceptedAt: time.Now(), Password: "correct horse",
				Email: "other@example.com", VerifyEmail: true, // where no address is known, none is compared or marked
			}
			if err := elsewhere.Activate(t.Context(), i.ID, a); err != nil {
				t.Errorf("by another trait: %v", err)
			}
		})
	}
}

func TestConnections(t *testing.T) {
	var opened atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Millisecond) }))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	for _, most := range []int32{4, 16} {
		opened.Store(0)
		c := newClient(t, kratos.Config{AdminURL: s.URL, MaxConns: int(most)})
		var wait sync.WaitGroup
		for range 16 {
			wait.Go(func() {
				for range 20 {
					if err := c.Ping(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		if n := opened.Load(); n > most {
			t.Errorf("opened %d connections for 320 calls, want at most %d", n, most)
		}
	}
}
