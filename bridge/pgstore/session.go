package pgstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"invitebridge/bridge"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// session is one database transaction. Statements are collected, and sent together
// when a result is needed, so that a call costs few round trips. The connection is
// taken, and the transaction begun, by the first of them.
type session struct {
	store *Store
	ctx   context.Context // of the call; the commit ignores its end
	begin []statement     // sent before the first statement: BEGIN, and locks to take first
	conn  *pgxpool.Conn   // nil: not begun, or ended
	queue []statement
	sent  bool
	await bool // the caller waits for its end
}

// statement is one statement of a batch. At most one of rows and tag is set: it
// gets the result.
type statement struct {
	sql  string
	args []any
	rows func(pgx.Rows) error
	tag  func(pgconn.CommandTag) error
}

func (s *session) add(sql string, args ...any) {
	s.queue = append(s.queue, statement{sql: sql, args: args})
}

// send sends the collected statements and the given ones, in this order. After an
// error the transaction can only be rolled back.
//
// If a connection of the pool turns out to be broken before the first response,
// another one is tried: nothing was decided yet.
func (s *session) send(statements ...statement) error {
	list := append(s.queue, statements...)
	s.queue = nil
	if s.sent {
		return s.sendOn(s.ctx, list)
	}
	s.sent = true
	for try := 1; ; try++ {
		err := s.sendFirst(list)
		var lost *lostError
		if err == nil || try == maxTries || !errors.As(err, &lost) || s.ctx.Err() != nil {
			return err
		}
		s.end()
		if pause(s.ctx, try) != nil {
			return err
		}
		s.store.onRetry(CauseOf(err), err)
	}
}

func (s *session) sendFirst(list []statement) (err error) {
	if s.conn, err = s.store.pool.Acquire(s.ctx); err != nil {
		return connectError(err)
	}
	begin := slices.Concat(s.begin[:1], s.store.limits)
	if commitsLow(s.conn.Conn()) {
		begin = append(begin, statement{sql: raiseCommit})
	}
	if s.store.clock.due() {
		begin = append(begin, s.store.clock.statement())
	}
	return s.sendOn(s.ctx, slices.Concat(begin, s.begin[1:], list))
}

func (s *session) sendOn(ctx context.Context, list []statement) error {
	var batch pgx.Batch
	for _, q := range list {
		queued := batch.Queue(q.sql, q.args...)
		switch {
		case q.rows != nil:
			queued.Query(q.rows)
		case q.tag != nil:
			queued.Exec(q.tag)
		}
	}
	err := s.conn.SendBatch(ctx, &batch).Close()
	if err == nil {
		return nil
	}
	if codeOf(err) == readOnlyServer { // a failover: this connection is of no use any more
		_ = s.conn.Conn().Close(ctx)
	}
	switch {
	case s.conn.Conn().IsClosed():
		return &lostError{err}
	case codeOf(err) == leaseLost:
		return fmt.Errorf("pgstore: %w: %w", bridge.ErrLeaseLost, err)
	}
	return fmt.Errorf("pgstore: %w", err)
}

// end rolls back what was not committed and gives the connection back. Where there is
// nothing to undo, the caller need not wait for that; Close does.
func (s *session) end() {
	conn := s.conn
	if conn == nil {
		return
	}
	s.conn = nil
	if conn.Conn().PgConn().TxStatus() == 'I' || conn.Conn().IsClosed() {
		conn.Release()
		return
	}
	rollback := func() {
		defer conn.Release() // the pool closes a connection that is still in a transaction
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), rollbackTimeout)
		defer cancel()
		_, _ = conn.Exec(ctx, "ROLLBACK")
	}
	if s.await {
		rollback()
		return
	}
	s.store.running.Go(rollback)
}
