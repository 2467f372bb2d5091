package pgstore

import (
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// An update sees an invitation only under the lock of its row. So all that it reads
// of the invitation, its tokens and its messages stays as it is until the commit.
// A statement sees what was committed when it began, before it waited for a lock. So
// one statement locks, and a later one reads. If that returns an invitation that is
// not locked, because it was changed in between, both are repeated.
//
// Who waits for a lock holds none, or only those of lower ids; so no two updates
// wait for each other. Otherwise the update does not wait: it starts again, and first
// takes all locks that it turned out to need.
//
// The lock leaves others free to add tokens and messages, as far as the foreign
// keys are concerned; only updates exclude each other.
const (
	lockRows       = "SELECT t.id FROM invitebridge.invitations t WHERE t.id = ANY (%s) ORDER BY t.id FOR NO KEY UPDATE OF t%s"
	lockPredicates = "SELECT pg_advisory_xact_lock(7595446, 1)"
	tryPredicates  = "SELECT pg_try_advisory_xact_lock(7595446, 1)"
)

var lockByIDs = query{lockIDs: "$1"}

// query is a read, and the array of the ids of the invitations to lock for it. Both
// have the same parameters.
type query struct {
	sql     string
	lockIDs string
}

// target says how a query is locked.
type target struct {
	known     ascend // the invitations, if they are known before
	predicate bool   // others may insert what it would return
	further   func(*invitationRow) []any
}

const maxRepeats = 10

// read runs a query. Result reads the rows and returns the ids of the invitations to
// which they belong.
func (t *tx) read(q query, args []any, what target, result func(pgx.Rows) ([]uuid.UUID, error)) error {
	if err := t.checkOpen(); err != nil {
		return err
	}
	var ids []uuid.UUID
	reading := statement{sql: q.sql, args: args, rows: func(rows pgx.Rows) (err error) {
		ids, err = result(rows)
		return err
	}}
	if !t.writable {
		return t.do(reading)
	}
	if what.predicate {
		if err := t.takePredicates(); err != nil {
			return err
		}
	}
	for range maxRepeats {
		if len(what.known) > 0 && !slices.ContainsFunc(what.known, t.unlocked) {
			return t.do(reading)
		}
		locking := t.lock(q, what.known, args...)
		t.wanted = t.wanted.union(what.known)
		if err := t.do(locking, reading); err != nil {
			return err
		}
		if !slices.ContainsFunc(ids, t.unlocked) {
			return nil
		}
		t.wanted = t.wanted.union(ids)
	}
	t.broken = errUnsteady
	return t.broken
}

// lock returns the statement that locks what a query reads.
func (t *tx) lock(q query, known ascend, args ...any) statement {
	wait := ""
	inOrder := len(t.held) == 0 || len(known) > 0 && compareIDs(known[0], t.held.last()) > 0
	if !inOrder && !t.patient {
		wait = " NOWAIT"
	}
	if q == lockByIDs {
		args = []any{uuids(known)}
	}
	return statement{sql: fmt.Sprintf(lockRows, q.lockIDs, wait), args: args, rows: func(rows pgx.Rows) error {
		var locked uuid.UUID
		_, err := pgx.ForEachRow(rows, []any{(*id)(&locked)}, func() error {
			t.held = t.held.with(locked)
			t.wanted = t.wanted.with(locked)
			return nil
		})
		return err
	}}
}

func (t *tx) unlocked(id uuid.UUID) bool { return !t.held.has(id) }

// takePredicates takes the lock that updates which read by a predicate hold until
// they end. It is taken before all others, so who already holds one does not wait.
func (t *tx) takePredicates() error {
	if t.predicates {
		return nil
	}
	if len(t.held) == 0 && !t.wrote {
		t.predicates = true
		t.add(lockPredicates)
		return nil
	}
	err := t.do(statement{sql: tryPredicates, rows: func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&t.predicates}, func() error { return nil })
		return err
	}})
	if err == nil && !t.predicates {
		t.broken = errExclusive
	}
	return t.broken
}

func uuids(ids ascend) []*id {
	list := make([]*id, len(ids))
	for i := range ids {
		list[i] = (*id)(&ids[i])
	}
	return list
}
