package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Option configures a store.
type Option func(*Store)

// WithOnCommit calls fn after each commit that wrote something. Err is nil if the
// commit succeeded. Fn must be safe for concurrent use.
func WithOnCommit(fn func(took time.Duration, err error)) Option {
	return func(s *Store) { s.onCommit = fn }
}

// WithOnRetry calls fn each time that a function or the start of a transaction is
// tried again. Cause is one of [Causes]. Fn must be safe for concurrent use.
func WithOnRetry(fn func(cause string, err error)) Option {
	return func(s *Store) { s.onRetry = fn }
}

// Open connects to a database that [Migrate] has prepared. The DSN is a URL with the
// scheme postgres. Its query may have what libpq knows, settings of PostgreSQL, and
// Kratos' words for the pool: max_conns, max_idle_conns, max_conn_lifetime and
// max_conn_idle_time. Any number of processes may have the same database open. The
// connections may lead through PgBouncer in transaction mode: see limits.go. The
// caller closes the store.
//
// Errors: ErrDSN, ErrEncoding, ErrNotMigrated, ErrOlderSchema, ErrNewerSchema,
// ErrUnfinishedCopy. Others are those of the connection.
func Open(ctx context.Context, dsn string, options ...Option) (*Store, error) {
	config, words, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	s, err := connectPool(ctx, config, words, options)
	if err != nil {
		return nil, err
	}
	if err := s.checkCopied(ctx); err != nil {
		s.pool.Close()
		return nil, contextError(ctx, err)
	}
	return s, nil
}

// connectPool is Open for a database into which a copy may be unfinished.
func connectPool(ctx context.Context, config *pgxpool.Config, words poolWords, options []Option) (*Store, error) {
	s := &Store{
		onCommit: func(time.Duration, error) {}, onRetry: func(string, error) {}, resolveTimeout: resolveTimeout,
		clock: clock{start: time.Now(), every: measureEvery},
	}
	for _, option := range options {
		option(s)
	}
	if words.maxIdleConns > 0 {
		config.AfterRelease = func(*pgx.Conn) bool { return int(s.pool.Stat().IdleConns()) < words.maxIdleConns }
	}
	pooled, err := findPooler(ctx, config.ConnConfig)
	if err != nil {
		return nil, contextError(ctx, err)
	}
	s.limits = words.adapt(config, pooled)
	if words.timeouts["statement_timeout"] != "0" {
		s.callTimeout = callTimeout
	}
	if pooled {
		s.clock.every = 0 // the server may change behind a connection
	}
	afterConnect := config.AfterConnect
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if err := afterConnect(ctx, conn); err != nil {
			return err
		}
		return s.clock.measure(ctx, conn)
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("pgstore: open: %w", hideUser(err))
	}
	if err := s.checkSchema(ctx); err != nil {
		s.pool.Close()
		return nil, contextError(ctx, err)
	}
	return s, nil
}

// checkSchema compares the schema of the database with what this program needs.
func (s *Store) checkSchema(ctx context.Context) error {
	own, err := latest()
	if err != nil {
		return err
	}
	version, required, err := schemaVersion(ctx, s.pool)
	if err == nil {
		err = compareSchema(version, required, own)
	}
	if err != nil {
		return err
	}
	// What was committed is not in the future, whatever the clock of the server.
	var latest *time.Time
	if err := s.pool.QueryRow(ctx, latestOutcome).Scan(&latest); err != nil {
		return fmt.Errorf("pgstore: the latest commit: %w", err)
	}
	if latest != nil {
		s.clock.notBefore(latest.UTC())
	}
	return nil
}

func compareSchema(version, required, own int64) error {
	switch {
	case version < own:
		return refused(ErrOlderSchema, fmt.Sprintf("it has version %d, this program needs %d; %s", version, own, adviceMigrate))
	case required > own:
		return refused(ErrNewerSchema, fmt.Sprintf("it has version %d and needs a program of at least %d, this one is of %d; %s",
			version, required, own, adviceUpgrade))
	}
	return nil
}

// querier is a connection or a pool.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// schemaVersion returns the latest migration of the database, and the migration that
// a program must contain to use it. Goose's own questions would create its table.
//
// Errors: ErrNotMigrated.
func schemaVersion(ctx context.Context, db querier) (version, required int64, err error) {
	var migrated bool
	err = db.QueryRow(ctx, "SELECT to_regclass('invitebridge.goose_db_version') IS NOT NULL").Scan(&migrated)
	if err != nil {
		return 0, 0, connectError(err)
	}
	if migrated {
		err = db.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM invitebridge.goose_db_version WHERE is_applied").Scan(&version)
	}
	if err == nil && version > 0 {
		err = db.QueryRow(ctx, "SELECT min_release FROM invitebridge.requirements").Scan(&required)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("pgstore: the version of the schema: %w", err)
	}
	if version == 0 {
		return 0, 0, refused(ErrNotMigrated, adviceMigrate)
	}
	return version, required, nil
}
