package pgstore

import (
	"context"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// Update implements [bridge.Store]. Of two updates that read or write the same
// invitation, its tokens or its messages, the later one sees all that the earlier
// one committed: each read of an invitation locks its row. Updates that read by a
// predicate, such as a list, exclude each other.
//
// Fn runs again, up to ten times, if the database or the connection ended the
// transaction. If ctx is done, the update is rolled back, unless the commit has
// begun: then only the commit decides.
func (s *Store) Update(ctx context.Context, fn func(bridge.Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	ctx, cancel := s.limit(ctx)
	defer cancel()
	var m mode
	for try := 1; ; try++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		t := s.newUpdate(ctx, m)
		err := t.run(fn)
		if err == nil || t.broken == nil {
			return err // the function's own error is returned as it is
		}
		if ctx.Err() != nil && !t.committing {
			return ctx.Err()
		}
		if try == maxTries || !m.learn(t.broken, try, t.wanted) || pause(ctx, try) != nil {
			return t.broken
		}
		s.onRetry(CauseOf(t.broken), t.broken)
	}
}

func (s *Store) newUpdate(ctx context.Context, m mode) *tx {
	t := &tx{
		session:  session{store: s, ctx: ctx, await: true, begin: []statement{{sql: beginUpdate}}},
		writable: true, mode: m, rows: make(map[uuid.UUID]*invitationRow), known: make(map[uuid.UUID]*messageRow),
		imports: make(map[uuid.UUID]*importRow), requests: make(map[bridge.Digest]bool),
	}
	for c := range classes {
		if m.exclusive[c] {
			t.begin = append(t.begin, statement{sql: lockPredicates, args: []any{int(c)}})
			t.predicates[c] = true
		}
	}
	for c := range classes {
		if len(m.prelock[c]) > 0 {
			t.begin = append(t.begin, t.lock(query{lockIDs: byIDs, class: c}, m.prelock[c]))
		}
	}
	return t
}

// run calls the function once, and commits. It returns the function's error, or
// that of the transaction, which is in t.broken too.
func (t *tx) run(fn func(bridge.Tx) error) error {
	defer t.finish()
	err := fn(t)
	if t.broken != nil {
		return t.broken // it counts even if fn ignored it
	}
	switch {
	case err != nil:
		return err
	case !t.wrote:
		if len(t.queue) > 0 { // what the function required
			err = t.do()
		}
		t.await = err != nil || t.claims
		return err
	case t.conn == nil: // it ends a lease and has used nothing else
		if err := t.do(); err != nil {
			return err
		}
	}
	start := time.Now()
	t.broken = t.commit()
	t.store.onCommit(time.Since(start), t.broken)
	return t.broken
}
