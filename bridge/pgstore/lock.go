package pgstore

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// An update sees an invitation only under the lock of its row. So all that it reads
// of the invitation, its tokens and its messages stays as it is until the commit. The
// same holds for an import, its rows and its messages.
// A statement sees what was committed when it began, before it waited for a lock. So
// one statement locks, and a later one reads. If that returns an invitation that is
// not locked, because it was changed in between, both are repeated.
//
// Imports are locked before invitations, and each of them by id. Who waits for a lock
// holds none, or only earlier ones in this order; so no two updates wait for each
// other. Otherwise the update does not wait: it starts again, and first takes all locks
// that it turned out to need.
//
// The lock leaves others free to add tokens, messages and rows, as far as the foreign
// keys are concerned; only updates exclude each other.
const (
	lockRows       = "SELECT t.id FROM invitebridge.%s t WHERE t.id = ANY (%s) ORDER BY t.id FOR NO KEY UPDATE OF t%s"
	lockPredicates = "SELECT pg_advisory_xact_lock(7595446, $1)"
	tryPredicates  = "SELECT pg_try_advisory_xact_lock(7595446, $1)"
	byIDs          = "$1"
)

// query is a read, and the array of the ids of the rows to lock for it, in the table of
// their class. Both have the same parameters.
type query struct {
	sql     string
	lockIDs string
	class   class
}

// target says how a query is locked.
type target struct {
	known     ascend // the rows to lock, if they are known before
	predicate bool   // others may insert what it would return
	further   func(*invitationRow) []any
}

const maxRepeats = 10

// read runs a query. Result reads the rows and returns to what they belong.
func (t *tx) read(q query, args []any, what target, result func(pgx.Rows) (owners, error)) error {
	if err := t.checkOpen(); err != nil {
		return err
	}
	var found owners
	reading := statement{sql: q.sql, args: args, rows: func(rows pgx.Rows) (err error) {
		found, err = result(rows)
		return err
	}}
	if !t.writable {
		return t.do(reading)
	}
	if what.predicate {
		if err := t.takePredicates(q.class); err != nil {
			return err
		}
	}
	var missing owners
	for range maxRepeats {
		if len(what.known) > 0 && len(what.known.without(t.held[q.class])) == 0 {
			return t.do(reading)
		}
		t.wanted[q.class] = t.wanted[q.class].union(what.known)
		var list []statement
		if q.class != ofImports && len(missing[ofImports]) > 0 { // of messages, and seldom
			list = append(list, t.lock(query{lockIDs: byIDs, class: ofImports}, missing[ofImports]))
		}
		if err := t.do(append(list, t.lock(q, what.known, args...), reading)...); err != nil {
			return err
		}
		missing = found.without(t.held)
		if missing.none() {
			return nil
		}
		t.wanted = t.wanted.union(missing)
	}
	t.broken = errUnsteady
	return t.broken
}

// lock returns the statement that locks what a query reads.
func (t *tx) lock(q query, known ascend, args ...any) statement {
	wait := ""
	if !t.patient && !t.inOrder(q.class, known) {
		wait = " NOWAIT"
	}
	if q.lockIDs == byIDs {
		args = []any{uuids(known)}
	}
	return statement{sql: fmt.Sprintf(lockRows, q.class.table(), q.lockIDs, wait), args: args, rows: func(rows pgx.Rows) error {
		var locked uuid.UUID
		_, err := pgx.ForEachRow(rows, []any{(*id)(&locked)}, func() error {
			t.hold(q.class, locked)
			return nil
		})
		return err
	}}
}

// hold notes locks that the transaction has.
func (t *tx) hold(c class, ids ...uuid.UUID) {
	t.held[c] = t.held[c].with(ids...)
	t.wanted[c] = t.wanted[c].with(ids...)
}

// inOrder reports whether locks follow all that the transaction has.
func (t *tx) inOrder(c class, known ascend) bool {
	for later := c + 1; later < classes; later++ {
		if len(t.held[later]) > 0 {
			return false
		}
	}
	return len(t.held[c]) == 0 || len(known) > 0 && compareIDs(known[0], t.held[c].last()) > 0
}

// takePredicates takes the lock that updates which read by a predicate hold until
// they end. It is taken before all others, so who already holds one does not wait.
func (t *tx) takePredicates(c class) error {
	if t.predicates[c] {
		return nil
	}
	if t.held.none() && t.predicates == [classes]bool{} && !t.wrote {
		t.predicates[c] = true
		t.add(lockPredicates, int(c))
		return nil
	}
	err := t.do(statement{sql: tryPredicates, args: []any{int(c)}, rows: func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&t.predicates[c]}, func() error { return nil })
		return err
	}})
	if err == nil && !t.predicates[c] {
		t.broken = &predicateError{c}
	}
	return t.broken
}
