// Package bridgetest puts the real parts together for tests: the rules, the
// bolt store in a fresh file, and the client of Kratos against a fake Kratos
// that passes the contract of the real one. Only tests import it.
package bridgetest

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/idna"

	"invitebridge/bridge"
	"invitebridge/bridge/boltstore"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

// World is a bridge with everything around it. Its clock stands still.
type World struct {
	Service   *bridge.Service
	Store     *Store
	StorePath string
	Kratos    *Kratos
	Clock     *Clock

	bolt       *boltstore.Store
	identities *kratos.Client
	config     bridge.Config
}

// New makes a world that ends with the test. Each change may alter the
// configuration of the service.
func New(t testing.TB, changes ...func(*bridge.Config)) *World {
	t.Helper()
	return NewAt(t, kratostest.FakeOptions{}, changes...)
}

// NewAt is New with a fake Kratos that is shaped otherwise.
func NewAt(t testing.TB, o kratostest.FakeOptions, changes ...func(*bridge.Config)) *World {
	t.Helper()
	w := &World{Clock: &Clock{now: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}}
	w.StorePath = filepath.Join(t.TempDir(), "invites.db")
	o.Now = w.Clock.Now
	w.Kratos = newKratos(t, o)
	w.config = bridge.Config{
		SchemaID: kratostest.DefaultSchema, ToASCII: idna.Lookup.ToASCII,
		LinkURL:  "https://join.example.com/invite/{token}",
		Lifespan: 24 * time.Hour, MaxLifespan: 720 * time.Hour, Cooldown: time.Minute, Retention: 720 * time.Hour,
		IdentityBudget: 5 * time.Second,
		Passwords:      bridge.PasswordPolicy{MinLength: 8, CheckSimilarity: true},
		Renew:          true,
		CodeLifespan:   time.Hour,
		Now:            w.Clock.Now,
		Running:        w.Clock.Running,
		Endpoints:      Endpoints,
	}
	for _, change := range changes {
		change(&w.config)
	}
	w.begin(t)
	return w
}

// Beside makes another bridge, with a store of its own, on the same Kratos and
// the same clock.
func (w *World) Beside(t testing.TB) *World {
	t.Helper()
	other := &World{StorePath: filepath.Join(t.TempDir(), "invites.db"), Kratos: w.Kratos, Clock: w.Clock, config: w.config}
	other.begin(t)
	return other
}

func (w *World) begin(t testing.TB) {
	t.Helper()
	identities, err := kratos.New(kratos.Config{AdminURL: w.Kratos.URL, PublicURL: w.Kratos.URL, Timeout: w.config.IdentityBudget})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(identities.Close)
	w.identities = identities
	w.open(t)
	t.Cleanup(func() { _ = w.bolt.Close() })
}

// Restart ends the process and begins another, over the same file and the same
// Kratos. Who was at work before finds the store closed: nothing that a dead
// process meant to commit is kept.
func (w *World) Restart(t testing.TB) {
	t.Helper()
	if err := w.bolt.Close(); err != nil {
		t.Fatal(err)
	}
	w.open(t)
}

// Restore is Restart over a copy of the store, as [bridge.Service.Backup] wrote it.
func (w *World) Restore(t testing.TB, backup []byte) {
	t.Helper()
	err := w.bolt.Close()
	if err == nil {
		err = os.WriteFile(w.StorePath, backup, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.open(t)
}

// Identities gives what the service asks.
func (w *World) Identities() bridge.Identities { return w.identities }

// ForgetConnections has the next request to Kratos use a connection of its own.
// After Kratos was down, the old ones may look alive for a moment.
func (w *World) ForgetConnections() { w.identities.Close() }

func (w *World) open(t testing.TB) {
	t.Helper()
	bolt, err := boltstore.Open(w.StorePath)
	if err != nil {
		t.Fatal(err)
	}
	w.bolt, w.Store = bolt, &Store{Store: bolt}
	w.Service = bridge.NewService(w.Store, w.identities, w.config)
}

// Hook is the endpoint that wants every event there is.
const Hook = "crm"

// Endpoints has every event told to Hook, and tokens to the courier too.
func Endpoints(event bridge.Event) []string {
	switch {
	case event.Blocking():
		return nil
	case event == bridge.EventTokenCreated:
		return []string{bridge.EndpointCourier, Hook}
	default:
		return []string{Hook}
	}
}

// Told gives the events that were queued for an endpoint, the latest first.
func (w *World) Told(t testing.TB, endpoint string) (events []bridge.Event) {
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

// Clock is a wall clock, and one that nobody sets, which only move when told to.
// It is safe for concurrent use.
type Clock struct {
	mu      sync.Mutex
	now     time.Time
	running time.Duration
}

// Now reads the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Running reads the clock that nobody sets.
func (c *Clock) Running() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running
}

// Advance moves both clocks on.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.running = c.now.Add(d), c.running+d
}

// Set moves the wall clock alone, either way, as an administrator does; or as a
// suspended machine finds it.
func (c *Clock) Set(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

// Store is a real store whose updates can be made to fail, as on a full disk.
type Store struct {
	bridge.Store
	mu   sync.Mutex
	fail func(nth int) error
	nth  int
	call func()
	lose error
}

// FailCommits has each update from now on fail with err after its function has
// run, as if the commit did. Nil ends that.
func (s *Store) FailCommits(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose = err
}

// OnCall has call called with each View and Update from now on.
func (s *Store) OnCall(call func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.call = call
}

// View does what the store does.
func (s *Store) View(ctx context.Context, fn func(bridge.Tx) error) error {
	s.called()
	return s.Store.View(ctx, fn)
}

// Backup does what the store does.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	s.called()
	return s.Store.Backup(ctx, w)
}

func (s *Store) called() {
	s.mu.Lock()
	call := s.call
	s.mu.Unlock()
	if call != nil {
		call()
	}
}

// FailUpdates has fail decide for each update from now on, counted from 1. Nil
// ends that.
func (s *Store) FailUpdates(fail func(nth int) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail, s.nth = fail, 0
}

// Update fails, or does what the store does.
func (s *Store) Update(ctx context.Context, fn func(bridge.Tx) error) error {
	s.called()
	if err := s.next(); err != nil {
		return err
	}
	s.mu.Lock()
	lose := s.lose
	s.mu.Unlock()
	if lose == nil {
		return s.Store.Update(ctx, fn)
	}
	return s.Store.Update(ctx, func(tx bridge.Tx) error { return errors.Join(fn(tx), lose) })
}

func (s *Store) next() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail == nil {
		return nil
	}
	s.nth++
	return s.fail(s.nth)
}
