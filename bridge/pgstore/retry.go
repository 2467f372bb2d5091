package pgstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"invitebridge/bridge"

	"github.com/jackc/pgx/v5/pgconn"
)

// Codes of PostgreSQL, see its appendix "Error Codes".
const (
	uniqueViolation      = "23505"
	readOnlyServer       = "25006"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	tooManyConnections   = "53300"
	lockNotAvailable     = "55P03"
	cannotConnectNow     = "57P03"
	leaseLost            = "IB001" // raised by functions of this package
	featureNotSupported  = "0A000" // among others: a migration changed the result of a prepared statement
)

const (
	maxTries   = 10
	firstPause = time.Millisecond // doubles up to maxPause
	maxPause   = 64 * time.Millisecond
)

// lostError reports that the connection was lost, or that there is none. A
// transaction that was not being committed was rolled back.
type lostError struct{ cause error }

func (e *lostError) Error() string { return "pgstore: connection: " + e.cause.Error() }
func (e *lostError) Unwrap() error { return e.cause }

// connectError returns the error of an attempt to connect. Only those that may pass
// are a lostError.
func connectError(err error) error {
	var connect *pgconn.ConnectError
	switch code := codeOf(err); {
	case !errors.As(err, &connect), code != "" && code != cannotConnectNow && code != tooManyConnections:
		return fmt.Errorf("pgstore: %w", hideUser(err))
	}
	return &lostError{hideUser(err)}
}

// codeOf returns the code of an answer of the server; empty: err is none.
func codeOf(err error) string {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return answer.Code
	}
	return ""
}

// Causes for which a function runs again, in PostgreSQL's words where it has one.
const (
	CauseSerialization = "serialization_failure"
	CauseDeadlock      = "deadlock_detected" // a defect in the order of locks
	CauseLock          = "lock_not_available"
	CauseUnique        = "unique_violation"
	CauseUnsupported   = "feature_not_supported" // a migration changed a prepared statement
	CausePredicate     = "predicate_lock"        // it found late that it reads by a predicate
	CauseConnection    = "connection"            // lost, or not available
)

// Causes returns all causes.
func Causes() []string {
	return []string{CauseSerialization, CauseDeadlock, CauseLock, CauseUnique, CauseUnsupported, CausePredicate, CauseConnection}
}

// CauseOf returns why a function runs again after an error; empty: it does not.
func CauseOf(err error) string {
	var lost *lostError
	switch {
	case errors.Is(err, bridge.ErrOutcomeUnknown):
		return ""
	case errors.As(err, &lost):
		return CauseConnection
	case errors.As(err, new(*predicateError)):
		return CausePredicate
	}
	return map[string]string{
		serializationFailure: CauseSerialization, deadlockDetected: CauseDeadlock, lockNotAvailable: CauseLock,
		uniqueViolation: CauseUnique, featureNotSupported: CauseUnsupported,
	}[codeOf(err)]
}

// mode is how the next run of a function differs from the first.
type mode struct {
	exclusive [classes]bool // takes the locks of all predicate reads first
	patient   bool          // waits for each lock, at the risk of a deadlock that the server ends
	careful   bool          // does not trust that what should be new is new
	prelock   owners        // what to lock first, in order
}

// learn adapts the mode to the error of a run, and reports whether to run again.
func (m *mode) learn(err error, try int, locked owners) bool {
	var lost *lostError
	if errors.Is(err, bridge.ErrOutcomeUnknown) {
		return false // it may have taken effect
	}
	if errors.As(err, &lost) {
		return true
	}
	var read *predicateError
	if errors.As(err, &read) {
		m.exclusive[read.class] = true
		return true
	}
	switch codeOf(err) {
	case serializationFailure, deadlockDetected, lockNotAvailable:
		m.prelock = m.prelock.union(locked)
		m.patient = try >= patientAfter
	case uniqueViolation:
		m.careful = true
	case featureNotSupported:
	default:
		return false
	}
	return true
}

// patientAfter is after how many tries a function waits for locks out of order:
// locks that it finds only by other keys than the id cannot be taken first.
const patientAfter = 4

// predicateError ends a run that reads by a predicate while it already holds locks,
// and another one holds the lock of predicate reads.
type predicateError struct{ class class }

func (*predicateError) Error() string { return "pgstore: predicate reads are locked" }

// pause waits before a try, at random and longer each time.
//
// Errors: that of ctx.
func pause(ctx context.Context, try int) error {
	limit := min(firstPause<<min(try-1, 10), maxPause)
	timer := time.NewTimer(rand.N(limit)) //nolint:gosec // spreads load, keeps no secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
