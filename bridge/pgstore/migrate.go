package pgstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

// Migrations only add: columns that are null or have a default, tables, and indexes,
// which are built concurrently. So the release before keeps working. What no release
// uses any more is removed one release later, which then raises min_release.
//
//go:embed migrations/*.sql
var migrations embed.FS

// Locks of this program in a database that it shares with others.
const (
	migrationLock = 0x696e76_6d696772 // held by who migrates
	schemaLock    = 0x696e76_73636865 // held by who creates the schema
)

const (
	createSchema = "CREATE SCHEMA IF NOT EXISTS invitebridge"
	// A migration waits this long for a lock, because meanwhile others wait for it.
	migrationTimeouts = "SET lock_timeout = '2s'; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0"
)

// Migrate creates or updates the schema invitebridge. Any number of processes may
// call it at once: one of them migrates, the others wait. A schema that is up to
// date, or newer, is left as it is. The connection must not lead through PgBouncer in
// transaction mode, because it holds a lock of the session.
//
// Errors: ErrDSN, ErrEncoding, ErrPooled. Others are those of the connection and of the migration.
func Migrate(ctx context.Context, dsn string) error {
	config, _, err := parse(dsn)
	if err != nil {
		return err
	}
	if sharing, err := findSharing(ctx, config.ConnConfig); err != nil {
		return contextError(ctx, err)
	} else if sharing {
		return refused(ErrPooled, adviceDirect)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	db := stdlib.OpenDB(*config.ConnConfig, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.PgConn().Exec(ctx, migrationTimeouts).ReadAll()
		return err
	}))
	defer func() { _ = db.Close() }()
	if err := migrate(ctx, db, files); err != nil {
		return contextError(ctx, fmt.Errorf("pgstore: migrate: %w", hideUser(err)))
	}
	return nil
}

func migrate(ctx context.Context, db *sql.DB, files fs.FS) error {
	if err := ensureSchema(ctx, db); err != nil {
		return err
	}
	store, err := database.NewStore(database.DialectPostgres, "invitebridge.goose_db_version")
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrationLock), lock.WithLockTimeout(1, 600))
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectCustom, db, files,
		goose.WithStore(store), goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// ensureSchema creates the schema, unless it exists: then the role needs no right to
// create one. Without the lock, two that create it at once can fail.
func ensureSchema(ctx context.Context, db *sql.DB) (err error) {
	var exists bool
	if err := db.QueryRowContext(ctx, "SELECT to_regnamespace('invitebridge') IS NOT NULL").Scan(&exists); err != nil || exists {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ignoreDone(tx.Rollback())) }()
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(schemaLock)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, createSchema); err != nil {
		return err
	}
	return tx.Commit()
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// latest returns the number of the newest migration in this program.
func latest() (newest int64, err error) {
	own, err := ownMigrations()
	for _, m := range own {
		newest = max(newest, m.Version)
	}
	return newest, err
}
