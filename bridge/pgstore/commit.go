package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// commitTimeout bounds a commit, which a caller cannot cancel: a cancel request
	// would end the wait for a standby, and the commit would not be replicated.
	commitTimeout = 3 * time.Second
	// resolveTimeout bounds the search for its outcome.
	resolveTimeout = 3 * time.Second

	purgeEvery = 1000 // commits of this process
)

const (
	// Each row has the time by the clock of its writer, which may be ahead of the server's
	// after a failover: who starts later gives no earlier one, see latestOutcome.
	insertOutcome = "INSERT INTO invitebridge.outcomes (key, at) VALUES ($1, greatest(clock_timestamp(), $2))"
	// bury proves the outcome of a transaction. It returns false if that has
	// committed. Otherwise the row is there first: the transaction can no longer
	// insert its key, and so not commit. It always writes, and so its own commit
	// proves that what it read is replicated.
	bury = `INSERT INTO invitebridge.outcomes AS o (key, at, dead) VALUES ($1, greatest(clock_timestamp(), $2), true)
		ON CONFLICT (key) DO UPDATE SET at = excluded.at RETURNING dead`
	purgeOutcomes = `DELETE FROM invitebridge.outcomes WHERE key IN (
		SELECT key FROM invitebridge.outcomes WHERE at < now() - interval '1 day'
		ORDER BY at LIMIT 5000 FOR UPDATE SKIP LOCKED)`
	latestOutcome = "SELECT max(at) FROM invitebridge.outcomes"
	addCounters   = `UPDATE invitebridge.counters SET pending = pending + $1, queued = queued + $2
		WHERE slot = pg_backend_pid() % 64`
)

// errNotCommitted reports a commit that failed and can be tried again.
var errNotCommitted = errors.New("the transaction was not committed")

// commit sends what is left to write and commits.
//
// Errors: bridge.ErrOutcomeUnknown; a lostError if the transaction was certainly rolled
// back because of the connection; others of the database, after which it was rolled
// back.
func (t *tx) commit() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), commitTimeout)
	defer cancel()
	key, now := uuid.New(), t.store.Now()
	list := append(t.queue, statement{sql: insertOutcome, args: []any{(*id)(&key), (*moment)(&now)}})
	t.queue = nil
	if t.delta != (counts{}) {
		// The last statement, because others may wait for its row.
		list = append(list, statement{sql: addCounters, args: []any{t.delta.pending, t.delta.queued}})
	}
	var result pgconn.CommandTag
	list = append(list, statement{sql: "COMMIT", tag: func(tag pgconn.CommandTag) error {
		result = tag
		return nil
	}})
	t.committing = true
	warned := watchWarnings(t.conn.Conn())
	err := t.sendOn(ctx, list)
	switch answer := (*pgconn.PgError)(nil); {
	case err == nil && result.String() == "COMMIT" && !warned():
		t.store.purge(ctx, t.conn.Conn())
		return nil
	case err == nil && result.String() == "ROLLBACK":
		return &lostError{errNotCommitted}
	case errors.As(err, &answer) && answer.SeverityUnlocalized == "ERROR" && !warned():
		return err
	}
	if err == nil {
		err = errors.New("the server warned during the commit")
	}
	_ = t.conn.Conn().Close(ctx) // nothing may wait for what it is still doing
	return t.store.resolve(t.ctx, key, err)
}

// resolve finds out whether the transaction with a key was committed; cause is why
// that is unknown. It uses connections of its own: those of the pool may be broken.
func (s *Store) resolve(ctx context.Context, key uuid.UUID, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.resolveTimeout)
	defer cancel()
	for try := 1; ; try++ {
		dead, err := s.buried(ctx, key)
		switch {
		case err == nil && dead:
			return &lostError{errors.Join(errNotCommitted, cause)}
		case err == nil:
			return nil
		case pause(ctx, try) != nil:
			return fmt.Errorf("pgstore: commit: %w: %w", bridge.ErrOutcomeUnknown, errors.Join(cause, err))
		}
	}
}

func (s *Store) buried(ctx context.Context, key uuid.UUID) (dead bool, err error) {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return false, hideUser(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := noteCommitLevel(ctx, conn); err != nil {
		return false, err
	}
	warned := watchWarnings(conn)
	var tag pgconn.CommandTag
	var batch pgx.Batch
	batch.Queue(beginUpdate)
	if commitsLow(conn) {
		batch.Queue(raiseCommit)
	}
	now := s.Now()
	batch.Queue(bury, (*id)(&key), (*moment)(&now)).QueryRow(func(row pgx.Row) error { return row.Scan(&dead) })
	batch.Queue("COMMIT").Exec(func(t pgconn.CommandTag) error {
		tag = t
		return nil
	})
	err = conn.SendBatch(ctx, &batch).Close()
	if err == nil && (tag.String() != "COMMIT" || warned()) {
		err = errors.New("the proof was not committed")
	}
	return dead, err
}

// purge deletes outcomes that no one can ask for any more, and leases of processes
// that ended, now and then. It has the
// connection of a transaction that has been committed, so its own errors are of no
// interest.
func (s *Store) purge(ctx context.Context, conn *pgx.Conn) {
	if s.writes.Add(1)%purgeEvery == 0 {
		_, _ = conn.Exec(ctx, purgeOutcomes)
		_, _ = conn.Exec(ctx, purgeLeases)
	}
}
