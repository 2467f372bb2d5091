package pgstore

import (
	"context"
	"errors"
	"sync"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/testenv"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestOnRetry: a transaction that is tried again is reported with its cause, before
// it runs again.
func TestOnRetry(t *testing.T) {
	dsn := newDatabase(t)
	put(t, open(t, dsn), sample(1))
	holder := connect(t, dsn)
	if _, err := holder.Exec(t.Context(), "BEGIN; SELECT 1 FROM invitebridge.invitations FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	var causes []string
	var last error
	release := sync.OnceFunc(func() {
		if _, err := holder.Exec(context.Background(), "ROLLBACK"); err != nil {
			t.Error(err)
		}
	})
	s := open(t, withWords(t, dsn, "lock_timeout", "10ms"), WithOnRetry(func(cause string, err error) {
		causes, last = append(causes, cause), err
		release()
	}))
	if err := incrementOnce(s); err != nil {
		t.Fatal(err)
	}
	// A slow machine may need longer than the timeout once more.
	if len(causes) == 0 || causes[0] != CauseLock || codeOf(last) != lockNotAvailable {
		t.Errorf("got %v (%v), want %s", causes, last, CauseLock)
	}
}

// TestCauses: each error after which a function runs again has one of the causes.
func TestCauses(t *testing.T) {
	seen := map[string]bool{}
	for _, err := range []error{&lostError{errors.New("cut")}, &predicateError{}} {
		seen[CauseOf(err)] = true
	}
	for _, code := range []string{serializationFailure, deadlockDetected, lockNotAvailable, uniqueViolation, featureNotSupported} {
		seen[CauseOf(&pgconn.PgError{Code: code})] = true
	}
	for _, cause := range Causes() {
		if !seen[cause] {
			t.Errorf("no error has the cause %s", cause)
		}
	}
	if len(seen) != len(Causes()) {
		t.Errorf("%d causes are seen, %d are listed", len(seen), len(Causes()))
	}
}

// TestNoCause: what is not tried again has no cause.
func TestNoCause(t *testing.T) {
	unknown := errors.Join(bridge.ErrOutcomeUnknown, &lostError{errors.New("cut")})
	for _, err := range []error{nil, unknown, &pgconn.PgError{Code: "53100"}, errors.New("other")} {
		if got := CauseOf(err); got != "" {
			t.Errorf("%v has the cause %s", err, got)
		}
	}
}

// TestStats: the pool shows which connections are in use, and that the first
// transaction waited for one to be opened.
func TestStats(t *testing.T) {
	s := open(t, withWords(t, newDatabase(t), "max_conns", "2"))
	err := s.View(t.Context(), func(tx bridge.Tx) error {
		_, err := tx.Backlog()
		if got := s.Stats(); got.Acquired != 1 || got.Max != 2 {
			t.Errorf("in a transaction: %+v", got)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, "the connection is idle", func() bool { return s.Stats().Acquired == 0 })
	if got := s.Stats(); got.Idle < 1 || got.Waits < 1 || got.Waited <= 0 {
		t.Errorf("afterwards: %+v", got)
	}
}
