package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"invitebridge/bridge"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// takeLease affects a row if the lease is free, has lapsed, or is the holder's.
	takeLease = `INSERT INTO invitebridge.leases AS l (name, holder, until) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
		WHERE l.until <= $4 OR l.holder = excluded.holder`
	dropLease = "DELETE FROM invitebridge.leases WHERE name = $1 AND holder = $2"
	// These two fail with leaseLost.
	checkLease = "SELECT invitebridge.check_lease($1, $2, $3)"
	endLease   = "SELECT invitebridge.end_lease($1, $2)"

	purgeLeases = `DELETE FROM invitebridge.leases WHERE name IN (
		SELECT name FROM invitebridge.leases WHERE until < now() - interval '1 day'
		ORDER BY until LIMIT 5000 FOR UPDATE SKIP LOCKED)`
)

// TakeLease implements [bridge.Store].
func (s *Store) TakeLease(ctx context.Context, l bridge.Lease, now time.Time) error {
	n, err := s.execute(ctx, takeLease, l.Name[:], argID(l.Holder), (*moment)(&l.Until), (*moment)(&now))
	if err == nil && n == 0 {
		return bridge.ErrLeaseHeld
	}
	return err
}

// DropLease implements [bridge.Store].
func (s *Store) DropLease(ctx context.Context, l bridge.Lease) error {
	_, err := s.execute(ctx, dropLease, l.Name[:], argID(l.Holder))
	return err
}

// execute runs one statement in a transaction of its own, and again if the
// connection is lost: each of these statements may run twice. It returns the number
// of affected rows.
func (s *Store) execute(ctx context.Context, sql string, args ...any) (int64, error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.running.Done()
	ctx, cancel := s.limit(ctx)
	defer cancel()
	for try := 1; ; try++ {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, err := s.executeOnce(ctx, sql, args)
		var lost *lostError
		switch {
		case err == nil:
			return n, nil
		case try == maxTries, !errors.As(err, &lost), pause(ctx, try) != nil:
			return 0, contextError(ctx, err)
		}
	}
}

func (s *Store) executeOnce(ctx context.Context, sql string, args []any) (n int64, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return 0, connectError(err)
	}
	defer conn.Release()
	var tag pgconn.CommandTag
	if tag, err = conn.Exec(ctx, sql, args...); err == nil {
		return tag.RowsAffected(), nil
	}
	if codeOf(err) == readOnlyServer {
		_ = conn.Conn().Close(ctx)
	}
	if conn.Conn().IsClosed() {
		return 0, &lostError{err}
	}
	return 0, fmt.Errorf("pgstore: %w", err)
}

// CheckLease implements [bridge.Tx].
func (t *tx) CheckLease(l bridge.Lease, now time.Time) error {
	return t.require(checkLease, l.Name[:], argID(l.Holder), (*moment)(&now))
}

// EndLease implements [bridge.Tx].
func (t *tx) EndLease(l bridge.Lease) error {
	err := t.require(endLease, l.Name[:], argID(l.Holder))
	t.wrote = t.wrote || err == nil
	return err
}

// require queues a statement that fails if a condition is not met. It is sent with
// the next read or with the commit.
func (t *tx) require(sql string, args ...any) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	t.add(sql, args...)
	return nil
}
