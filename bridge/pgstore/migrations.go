package pgstore

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Migration is a version of the schema. Its status has Kratos' words.
type Migration struct {
	Version   int64      `json:"version"`
	Name      string     `json:"name"` // empty: one of a later release
	Status    string     `json:"status"`
	AppliedAt *time.Time `json:"applied_at,omitempty"` // nil: pending
}

// The states of a migration.
const (
	StatusApplied = "Applied"
	StatusPending = "Pending"
)

// Migrations returns the migrations of this program and those that the database has,
// by version. It changes nothing.
//
// Errors: ErrDSN. Others are those of the connection.
func Migrations(ctx context.Context, dsn string) ([]Migration, error) {
	config, _, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return nil, contextError(ctx, connectError(err))
	}
	defer func() { _ = conn.Close(ctx) }()
	applied, err := appliedMigrations(ctx, conn)
	if err != nil {
		return nil, contextError(ctx, fmt.Errorf("pgstore: the versions of the schema: %w", err))
	}
	own, err := ownMigrations()
	if err != nil {
		return nil, err
	}
	list := make([]Migration, 0, len(own))
	for _, m := range own {
		if at, found := applied[m.Version]; found {
			m.Status, m.AppliedAt = StatusApplied, &at
		}
		delete(applied, m.Version)
		list = append(list, m)
	}
	for version, at := range applied {
		list = append(list, Migration{Version: version, Status: StatusApplied, AppliedAt: &at})
	}
	slices.SortFunc(list, func(a, b Migration) int { return cmp.Compare(a.Version, b.Version) })
	return list, nil
}

// appliedMigrations returns when each version was applied. Goose's own questions
// would create its table.
func appliedMigrations(ctx context.Context, conn *pgx.Conn) (map[int64]time.Time, error) {
	const simple = pgx.QueryExecModeSimpleProtocol // a pooler may be in between
	var migrated bool
	err := conn.QueryRow(ctx, "SELECT to_regclass('invitebridge.goose_db_version') IS NOT NULL", simple).Scan(&migrated)
	if err != nil || !migrated {
		return nil, err
	}
	rows, err := conn.Query(ctx, "SELECT version_id, tstamp AT TIME ZONE current_setting('TimeZone') AT TIME ZONE 'UTC' "+
		"FROM invitebridge.goose_db_version WHERE is_applied AND version_id > 0", simple)
	if err != nil {
		return nil, err
	}
	applied := make(map[int64]time.Time)
	var version int64
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&version, &at}, func() error {
		applied[version] = at.UTC().Truncate(time.Second)
		return nil
	})
	return applied, err
}

// ownMigrations returns the migrations in this program, as pending.
func ownMigrations() ([]Migration, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	list := make([]Migration, len(files))
	for i, file := range files {
		number, name, _ := strings.Cut(strings.TrimSuffix(path.Base(file), ".sql"), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("pgstore: %s: %w", file, err)
		}
		list[i] = Migration{Version: version, Name: name, Status: StatusPending}
	}
	return list, nil
}
