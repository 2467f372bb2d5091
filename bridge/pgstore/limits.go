package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A pooler such as PgBouncer in transaction mode lends a session of the server for
// one transaction at a time. It refuses most settings at the start of a connection,
// and what a statement sets or prepares stays in a session that the next transaction
// may not get. So through a pooler, each transaction sets the timeouts for itself, in
// its first batch, and statements are not prepared by name. On a direct connection,
// both last as long as the connection.

// setLimits sets the timeouts of the transaction. That of TCP would concern the
// connection of the pooler.
const setLimits = `SELECT set_config('idle_in_transaction_session_timeout', $1, true),
	set_config('lock_timeout', $2, true), set_config('statement_timeout', $3, true)`

// adapt completes a configuration for the kind of connection, and returns what is to
// follow each BEGIN.
func (w poolWords) adapt(config *pgxpool.Config, pooled bool) []statement {
	if !pooled {
		for name, value := range w.timeouts {
			config.ConnConfig.RuntimeParams[name] = value
		}
		return nil
	}
	if config.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	t := w.timeouts
	return []statement{{sql: setLimits, args: []any{t["idle_in_transaction_session_timeout"], t["lock_timeout"], t["statement_timeout"]}}}
}

// findPooler connects once and reports whether the connection leads through a
// pooler.
//
// Errors: ErrEncoding; those of the connection.
func findPooler(ctx context.Context, config *pgx.ConnConfig) (bool, error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return false, connectError(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := checkEncoding(conn); err != nil {
		return false, err
	}
	pid, err := backend(ctx, conn)
	return pid != conn.PgConn().PID(), err
}

// findSharing connects and reports whether others can get the session of a
// connection between its transactions, as in transaction mode. It cannot see that if
// all sessions of the pooler are in use.
//
// Errors: ErrEncoding; those of the connection.
func findSharing(ctx context.Context, config *pgx.ConnConfig) (bool, error) {
	var seen [2]uint32
	for i := range seen {
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return false, connectError(err)
		}
		defer func() { _ = conn.Close(ctx) }()
		if err := checkEncoding(conn); err != nil {
			return false, err
		}
		if seen[i], err = backend(ctx, conn); err != nil || seen[i] == conn.PgConn().PID() {
			return false, err
		}
	}
	return seen[0] == seen[1], nil
}

// backend returns the id of the process of the server that serves a connection. A
// pooler reports another one when a connection begins, because it cancels queries
// itself.
func backend(ctx context.Context, conn *pgx.Conn) (pid uint32, err error) {
	err = conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid)
	return pid, err
}
