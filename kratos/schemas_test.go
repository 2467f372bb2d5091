package kratos_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// schemaServer is a public API with one schema and a clock. It counts requests.
type schemaServer struct {
	mu     sync.Mutex
	asked  int
	status int
	text   string
	at     time.Time
}

func (s *schemaServer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	w.WriteHeader(s.status)
	_, _ = w.Write([]byte(s.text))
}

func (s *schemaServer) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

// later advances the clock and sets the next response.
func (s *schemaServer) later(d time.Duration, status int, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.status, s.text = s.at.Add(d), status, text
}

const noSchema = `{"error":{"code":404,"message":"not found"}}`

// Twenty invitations read their schema once.
func TestSchemas_readOnce(t *testing.T) {
	f := newFake(t, kratostest.FakeOptions{})
	k := &schemaServer{status: http.StatusOK, text: schemaOf(object(`"email":` + trait(byPassword, verified)))}
	server := httptest.NewServer(k)
	defer server.Close()
	c := newClient(t, kratos.Config{AdminURL: f.URL, PublicURL: server.URL})
	for range 20 {
		email := uuid.NewString() + "@example.com"
		_, err := c.EmailTrait(t.Context(), "default")
		made, err2 := c.Create(t.Context(), bridge.IdentityParams{InvitationID: uuid.New(), SchemaID: "default", Traits: []byte(`{"email":"` + email + `"}`)})
		_, err3 := c.Get(t.Context(), made.ID)
		passwords, err4 := c.PasswordTraits(t.Context(), "default")
		if err := errors.Join(err, err2, err3, err4); err != nil || made.Email != email || len(passwords) != 1 {
			t.Fatal(made, passwords, err)
		}
	}
	if k.asked != 1 {
		t.Errorf("the schema was read %d times, want once", k.asked)
	}
}

// If the public API accepts requests but does not respond, each schema delays
// only one caller, and briefly.
func TestSchemas_apiHangs(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		<-r.Context().Done()
	}))
	defer server.Close()
	schemas := kratos.NewSchemas(newPublic(t, server.URL), nil)
	for _, id := range []string{"default", "customer", "default", "customer", "default"} {
		if l, err := schemas.Layout(t.Context(), id); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%+v, %v", l, err)
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

// A cached layout remains in use when the public API stops responding, and no
// caller waits past its deadline.
func TestSchemas_apiHangsLater(t *testing.T) {
	k := &schemaServer{at: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), status: http.StatusOK, text: schemaOf(object(`"mail":` + trait(byPassword, verified)))}
	var hangs atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hangs.Load() {
			<-r.Context().Done()
			return
		}
		k.ServeHTTP(w, r)
	}))
	defer server.Close()
	schemas := kratos.NewSchemas(newPublic(t, server.URL), k.now)
	for round := range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if round == 0 {
			ctx = t.Context()
		}
		began := time.Now()
		l, err := schemas.Layout(ctx, "default")
		if took := time.Since(began); err != nil || l.Email != "mail" || round > 0 && took > 1500*time.Millisecond {
			t.Errorf("%+v, %v after %s", l, err, took)
		}
		cancel()
		hangs.Store(true)
		k.later(6*time.Minute, http.StatusOK, "")
	}
}

// A cached schema is not read again until it has expired or was invalidated,
// and stays in use if Kratos does not respond.
func TestSchemas_cache(t *testing.T) {
	email, mail := schemaOf(object(`"email":`+trait(byPassword, verified))), schemaOf(object(`"mail":`+trait(byPassword, verified)))
	k := &schemaServer{at: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), status: http.StatusOK, text: email}
	server := httptest.NewServer(k)
	defer server.Close()
	schemas := kratos.NewSchemas(newPublic(t, server.URL), k.now)
	expect := func(what, email string, asked int) {
		t.Helper()
		l, err := schemas.Layout(t.Context(), "default")
		if err != nil || l.Email != email || k.asked != asked {
			t.Errorf("%s: %+v, %v, asked %d times", what, l, err, k.asked)
		}
	}
	var together sync.WaitGroup
	for range 10 {
		together.Go(func() { _, _ = schemas.Layout(t.Context(), "default") })
	}
	together.Wait()
	expect("read", "email", 1)
	k.later(4*time.Minute, http.StatusOK, mail)
	expect("kept", "email", 1)
	k.later(2*time.Minute, http.StatusOK, mail)
	expect("expired", "mail", 2)
	k.later(0, http.StatusOK, email)
	schemas.Invalidate("default")
	expect("invalidated too soon", "mail", 2)
	k.later(6*time.Second, http.StatusOK, email)
	expect("invalidated", "email", 3)
	k.later(6*time.Minute, http.StatusBadGateway, "")
	expect("Kratos does not answer", "email", 4)
	expect("Kratos still does not answer", "email", 4)
	k.later(6*time.Second, http.StatusNotFound, noSchema)
	for range 2 {
		if _, err := schemas.Layout(t.Context(), "default"); !errors.Is(err, kratos.ErrSchemaNotFound) {
			t.Errorf("gone: %v", err)
		}
	}
	k.later(0, http.StatusBadGateway, "")
	var e *bridge.IdentityError
	if l, err := schemas.Layout(t.Context(), "default"); !errors.As(err, &e) {
		t.Errorf("never read: %+v, %v", l, err)
	}
}
