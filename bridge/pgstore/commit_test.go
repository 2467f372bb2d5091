package pgstore

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// TestCommitCut cuts the connection at many points of a commit. Whatever the point,
// an Update that returns nil has taken effect exactly once.
func TestCommitCut(t *testing.T) {
	dsn := newDatabase(t)
	proxy, through := startProxy(t, dsn)
	s := open(t, withWords(t, through, "max_conns", "1"))
	inv := sample(1)
	put(t, s, inv)
	increment(t, s, inv.ID, nil) // prepares all statements

	cuts := map[string]func(n int){
		"request":  func(n int) { proxy.cut(n, -1) },
		"response": func(n int) { proxy.cut(-1, n) },
	}
	want, again := epochOf(t, s, inv.ID), 0
	for name, cut := range cuts {
		for n := 0; ; n += 7 {
			runs := 0
			increment(t, s, inv.ID, func() {
				if runs++; runs == 1 {
					cut(n)
				}
			})
			uncut := proxy.armed() // n is more than the whole commit
			proxy.cut(-1, -1)
			want++
			if got := epochOf(t, s, inv.ID); got != want {
				t.Fatalf("%s cut after %d bytes, %d runs: the counter is %d, want %d", name, n, runs, got, want)
			}
			if runs > 1 {
				again++
			}
			if uncut {
				if n == 0 {
					t.Error("nothing was cut")
				}
				break
			}
		}
	}
	if again == 0 {
		t.Error("no function ran again, so no commit was cut before it was complete")
	}
	checkCounters(t, dsn)
}

// TestCommitOutcomeUnknown: if the server cannot be asked, the outcome is unknown,
// and Update says so.
func TestCommitOutcomeUnknown(t *testing.T) {
	proxy, through := startProxy(t, newDatabase(t))
	s := open(t, withWords(t, through, "max_conns", "1"))
	s.resolveTimeout = 100 * time.Millisecond
	inv := sample(1)
	put(t, s, inv)
	increment(t, s, inv.ID, nil)
	err := s.Update(context.Background(), func(tx bridge.Tx) error {
		got, err := tx.Invitation(inv.ID)
		got.Epoch++
		err = errors.Join(err, tx.PutInvitation(got))
		proxy.refuse(true)
		proxy.cut(-1, 0)
		return err
	})
	if !errors.Is(err, bridge.ErrOutcomeUnknown) {
		t.Errorf("got %v, want %v", err, bridge.ErrOutcomeUnknown)
	}
	proxy.refuse(false)
	increment(t, s, inv.ID, nil) // the store works again
}

// TestConnectionsLost: connections of the pool that have died cost no call.
func TestConnectionsLost(t *testing.T) {
	dsn := newDatabase(t)
	s := open(t, dsn)
	inv := sample(1)
	put(t, s, inv)
	for i := range 5 {
		execute(t, dsn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		if i%2 == 0 {
			increment(t, s, inv.ID, nil)
		} else if got := epochOf(t, s, inv.ID); got != (i+1)/2 {
			t.Errorf("the counter is %d, want %d", got, (i+1)/2)
		}
	}
}

// TestSilentServer: no call waits for a server that does not respond and closes
// nothing, and the store works again without a restart.
func TestSilentServer(t *testing.T) {
	proxy, through := startProxy(t, newDatabase(t))
	s := open(t, withWords(t, through, "max_conns", "2"))
	inv := sample(1)
	put(t, s, inv)
	lease := bridge.Lease{Name: bridge.NewLeaseName("email", "ada@example.com"), Holder: uuid.New(), Until: time.Now().Add(time.Hour)}
	read := func(tx bridge.Tx) error { _, err := tx.Invitation(inv.ID); return err }
	for name, call := range map[string]func() error{
		"view":   func() error { return s.View(context.Background(), read) },
		"update": func() error { return s.Update(context.Background(), read) },
		"lease":  func() error { return s.TakeLease(context.Background(), lease, time.Now()) },
	} {
		s.callTimeout = 50 * time.Millisecond
		proxy.silence(true)
		if err := call(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v, want %v", name, err, context.DeadlineExceeded)
		}
		proxy.silence(false)
		s.callTimeout = 0
		if err := call(); err != nil {
			t.Errorf("%s, when the server responds again: %v", name, err)
		}
	}
}

// TestDefaultLimits: the limits of a call, of connections and of a commit are those
// that the documentation names. A DSN can lift that of a call.
func TestDefaultLimits(t *testing.T) {
	dsn := newDatabase(t)
	s := open(t, withWords(t, dsn, "statement_timeout", "30s"))
	config := s.pool.Config()
	if s.callTimeout != 4*time.Second || config.ConnConfig.ConnectTimeout != 2*time.Second || config.PingTimeout != time.Second ||
		s.callTimeout+commitTimeout+s.resolveTimeout > 10*time.Second {
		t.Errorf("call %v, connect %v, ping %v, commit %v, outcome %v", s.callTimeout, config.ConnConfig.ConnectTimeout, config.PingTimeout, commitTimeout, s.resolveTimeout)
	}
	s = open(t, withWords(t, dsn, "statement_timeout", "0", "connect_timeout", "7"))
	if s.callTimeout != 0 || s.pool.Config().ConnConfig.ConnectTimeout != 7*time.Second {
		t.Errorf("call %v, connect %v", s.callTimeout, s.pool.Config().ConnConfig.ConnectTimeout)
	}
}

// TestTombstone: a transaction whose outcome was asked for before its commit never
// commits.
func TestTombstone(t *testing.T) {
	s := open(t, newDatabase(t))
	key := uuid.New()
	for range 2 {
		var lost *lostError
		if err := s.resolve(context.Background(), key, errors.New("cause")); !errors.As(err, &lost) || !errors.Is(err, errNotCommitted) {
			t.Errorf("got %v, want that it was not committed", err)
		}
	}
	if _, err := s.pool.Exec(context.Background(), insertOutcome, argID(key), "-infinity"); codeOf(err) != uniqueViolation {
		t.Errorf("got %v, want a unique violation", err)
	}
	committed := uuid.New()
	if _, err := s.pool.Exec(context.Background(), insertOutcome, argID(committed), "-infinity"); err != nil {
		t.Fatal(err)
	}
	if err := s.resolve(context.Background(), committed, nil); err != nil {
		t.Errorf("got %v, want nil: it was committed", err)
	}
}

// TestPurgeOutcomes: outcomes older than a day are deleted.
func TestPurgeOutcomes(t *testing.T) {
	dsn := newDatabase(t)
	s := open(t, dsn)
	put(t, s, sample(1))
	execute(t, dsn, "INSERT INTO invitebridge.outcomes (key, at) VALUES (gen_random_uuid(), clock_timestamp() - interval '25 hours')")
	s.writes.Store(purgeEvery - 1)
	put(t, s, sample(2))
	var n int
	if err := s.pool.QueryRow(context.Background(), "SELECT count(*) FROM invitebridge.outcomes").Scan(&n); err != nil || n != 2 {
		t.Errorf("%d outcomes are left (%v), want 2", n, err)
	}
}

// sample returns the n-th invitation of a test.
func sample(n int) bridge.Invitation {
	at := time.Date(2026, 3, 4, 5, 6, 7, 89_000, time.UTC)
	return bridge.Invitation{
		ID: uuid.UUID{0: 1, 6: 0x70, 15: byte(n)}, State: bridge.StatePending, Email: fmt.Sprintf("invitee-%d@example.com", n),
		SchemaID: "default", CreatedAt: at, UpdatedAt: at, ExpiresAt: at.Add(time.Hour),
	}
}

func put(t testing.TB, s *Store, list ...bridge.Invitation) {
	t.Helper()
	for _, inv := range list {
		if err := s.Update(context.Background(), func(tx bridge.Tx) error { return tx.PutInvitation(inv) }); err != nil {
			t.Fatal(err)
		}
	}
}

// increment adds one to the epoch of an invitation; each run of the function calls
// before last.
func increment(t testing.TB, s *Store, id uuid.UUID, before func()) {
	t.Helper()
	err := s.Update(context.Background(), func(tx bridge.Tx) error {
		inv, err := tx.Invitation(id)
		if err != nil {
			return err
		}
		inv.Epoch++
		if err := tx.PutInvitation(inv); err != nil {
			return err
		}
		if before != nil {
			before()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func epochOf(t testing.TB, s *Store, id uuid.UUID) (epoch int) {
	t.Helper()
	err := s.View(context.Background(), func(tx bridge.Tx) error {
		inv, err := tx.Invitation(id)
		epoch = inv.Epoch
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return epoch
}
