package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Keys of the data that this package keeps with a connection.
const (
	warnedKey    = "invitebridge: warned"
	commitLowKey = "invitebridge: commits are not durable"
)

// noteWarning remembers that the server warned, which during a commit means that
// it may not have been replicated.
func noteWarning(conn *pgconn.PgConn, n *pgconn.Notice) {
	if n.SeverityUnlocalized == "WARNING" {
		conn.CustomData()[warnedKey] = true
	}
}

// watchWarnings returns a function that reports whether the server has warned since.
func watchWarnings(conn *pgx.Conn) func() bool {
	data := conn.PgConn().CustomData()
	delete(data, warnedKey)
	return func() bool { return data[warnedKey] == true }
}

// checkEncoding refuses a database that cannot store all texts.
//
// Errors: ErrEncoding.
func checkEncoding(conn *pgx.Conn) error {
	if conn.PgConn().ParameterStatus("server_encoding") != "UTF8" {
		return refused(ErrEncoding, adviceUTF8)
	}
	return nil
}

// noteCommitLevel remembers whether the role or the database has a lower
// synchronous_commit than a commit needs. A higher one stays.
func noteCommitLevel(ctx context.Context, conn *pgx.Conn) error {
	var level string
	if err := conn.QueryRow(ctx, "SELECT current_setting('synchronous_commit')").Scan(&level); err != nil {
		return err
	}
	if level == "off" || level == "local" || level == "remote_write" {
		conn.PgConn().CustomData()[commitLowKey] = true
	}
	return nil
}

// commitsLow reports whether a transaction has to raise synchronous_commit.
func commitsLow(conn *pgx.Conn) bool {
	return conn.PgConn().CustomData()[commitLowKey] == true
}
