// Package bridgetest assembles the real components for tests: the rules, a new store,
// and the Kratos client with a fake Kratos that passes the contract of the real one.
// Only tests import it. TEST_STORE=postgres makes it use PostgreSQL.
package bridgetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/idna"

	"invitebridge/bridge"
	"invitebridge/bridge/boltstore"
	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/testenv"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// Lease is how long a claim in a [Harness] is valid: 10 s for hooks, the timeout
// for Kratos, and 5 s more.
const Lease = 10*time.Second + testenv.Limit + 5*time.Second

// Harness is a bridge with all its dependencies. Its clock stands still.
type Harness struct {
	Service   *bridge.Service
	Store     *Store
	StorePath string
	Kratos    *Kratos
	Clock     *Clock

	opener     Opener
	store      bridge.Store // that was opened
	identities *kratos.Client
	config     bridge.Config
}

// New returns a harness that is closed when the test ends. Each change may alter
// the configuration of the service.
func New(t testing.TB, changes ...func(*bridge.Config)) *Harness {
	t.Helper()
	return NewAt(t, kratostest.FakeOptions{}, changes...)
}

// NewAt is New with options for the fake Kratos.
func NewAt(t testing.TB, o kratostest.FakeOptions, changes ...func(*bridge.Config)) *Harness {
	t.Helper()
	open := bolt
	if os.Getenv("TEST_STORE") == "postgres" {
		open = Postgres
	}
	return NewOn(t, open, o, changes...)
}

func bolt(t testing.TB, path string) bridge.Store {
	t.Helper()
	store, err := boltstore.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// NewOn is NewAt with a store of another kind.
func NewOn(t testing.TB, open Opener, o kratostest.FakeOptions, changes ...func(*bridge.Config)) *Harness {
	t.Helper()
	w := &Harness{opener: open, Clock: &Clock{now: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}}
	w.StorePath = filepath.Join(t.TempDir(), "invites.db")
	o.Now = w.Clock.Now
	w.Kratos = newKratos(t, o)
	w.config = bridge.Config{
		SchemaID: kratostest.DefaultSchema, ToASCII: idna.Lookup.ToASCII,
		LinkTemplate: "https://join.example.com/invite/{token}",
		Lifespan:     24 * time.Hour, MaxLifespan: 720 * time.Hour, Cooldown: time.Minute, Retention: 720 * time.Hour,
		IdentityTimeout: testenv.Limit, LockTimeout: testenv.Limit,
		PasswordPolicy: bridge.PasswordPolicy{MinLength: 8, CheckSimilarity: true},
		Renew:          true,
		CodeLifespan:   time.Hour,
		Now:            w.Clock.Now,
		Monotonic:      w.Clock.Running,
		EndpointsFor:   Endpoints,
		ParseInvite:    httpapi.ParseInvite,
	}
	for _, change := range changes {
		change(&w.config)
	}
	w.begin(t)
	return w
}

// Beside returns another bridge with its own store, on the same Kratos and the same
// clock. Each change may alter its configuration.
func (w *Harness) Beside(t testing.TB, changes ...func(*bridge.Config)) *Harness {
	t.Helper()
	other := &Harness{opener: w.opener, StorePath: filepath.Join(t.TempDir(), "invites.db"), Kratos: w.Kratos, Clock: w.Clock, config: w.config}
	for _, change := range changes {
		change(&other.config)
	}
	other.begin(t)
	return other
}

// Replica returns another bridge on the same store, Kratos and clock. Each change may
// alter its configuration. The store must permit several processes.
func (w *Harness) Replica(t testing.TB, changes ...func(*bridge.Config)) *Harness {
	t.Helper()
	other := &Harness{opener: w.opener, StorePath: w.StorePath, Kratos: w.Kratos, Clock: w.Clock, config: w.config}
	for _, change := range changes {
		change(&other.config)
	}
	other.begin(t)
	return other
}

func (w *Harness) begin(t testing.TB) {
	t.Helper()
	identities, err := kratos.New(kratos.Config{AdminURL: w.Kratos.URL, PublicURL: w.Kratos.URL, Timeout: w.config.IdentityTimeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(identities.Close)
	w.identities = identities
	w.open(t)
	t.Cleanup(func() { _ = w.store.Close() })
}

// Restart simulates a restart of the process with the same store and the same
// Kratos. Calls still running on the old service find its store closed, so nothing
// that they commit is kept.
func (w *Harness) Restart(t testing.TB) {
	t.Helper()
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	w.open(t)
}

// Restore is Restart with a copy of the store, as written by
// [bridge.Service.Backup].
func (w *Harness) Restore(t testing.TB, backup []byte) {
	t.Helper()
	err := w.store.Close()
	if err == nil {
		err = os.WriteFile(w.StorePath, backup, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.open(t)
}

// Identities returns the Kratos client of the service.
func (w *Harness) Identities() bridge.Identities { return w.identities }

// CloseIdleConnections makes the next request to Kratos use a new connection. After
// Kratos was down, the old ones may appear usable for a moment.
func (w *Harness) CloseIdleConnections() { w.identities.Close() }

func (w *Harness) open(t testing.TB) {
	t.Helper()
	w.store = w.opener(t, w.StorePath)
	w.Store = &Store{Store: w.store}
	w.Service = bridge.NewService(w.Store, w.identities, w.config)
}

// Hook is the endpoint that subscribes to every non-blocking event but the history.
const Hook = "crm"

// Endpoints subscribes Hook to every non-blocking event but the history, and the courier
// to those that carry a link.
func Endpoints(event bridge.Event) []string {
	switch {
	case event.Blocking(), event == bridge.EventHistoryEntry:
		return nil
	case event.CarriesLink():
		return []string{bridge.EndpointCourier, Hook}
	default:
		return []string{Hook}
	}
}

// EventsFor returns the events queued for an endpoint, the latest first.
func (w *Harness) EventsFor(t testing.TB, endpoint string) (events []bridge.Event) {
	t.Helper()
	for q := (bridge.MessageQuery{Limit: 500}); ; {
		page, next, err := w.Service.Messages(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page {
			if m.Endpoint == endpoint {
				events = append(events, m.Payload.Type)
			}
		}
		if q.Before = next; next == uuid.Nil {
			return events
		}
	}
}

// Clock is a wall clock and a monotonic clock that only tests move. It is safe for
// concurrent use.
type Clock struct {
	mu      sync.Mutex
	now     time.Time
	running time.Duration
}

// Now returns the wall clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Running returns the monotonic clock.
func (c *Clock) Running() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running
}

// Advance moves both clocks forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.running = c.now.Add(d), c.running+d
}

// Set moves only the wall clock, in either direction: as an administrator does, or
// as after a suspension of the machine.
func (c *Clock) Set(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}
