package pgstore

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// TestMigrateImports_again: after an error in any statement of the migration, which is
// no transaction, it can be repeated. What is stored stays.
func TestMigrateImports_again(t *testing.T) {
	statements := statementsOf(t, "00002_imports.sql")
	if len(statements) < 20 {
		t.Fatalf("%d statements", len(statements))
	}
	for n := range len(statements) + 1 {
		if n > 0 && !strings.HasPrefix(statements[n-1], "CREATE INDEX CONCURRENTLY") && !strings.Contains(statements[n-1], "ALTER") {
			continue // between the others, nothing old has changed
		}
		dsn := migratedTo(t, 1)
		insertEarlier(t, dsn, sample(1))
		conn := connect(t, dsn)
		for _, s := range statements[:n] {
			if _, err := conn.Exec(t.Context(), s, pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatal(err)
			}
		}
		if err := Migrate(t.Context(), dsn); err != nil {
			t.Errorf("after %d statements: %v", n, err)
			continue
		}
		s := open(t, dsn)
		if got := epochOf(t, s, sample(1).ID); got != 0 {
			t.Errorf("after %d statements: the invitation is lost", n)
		}
		var invalid int
		const query = `SELECT (SELECT count(*) FROM pg_index WHERE NOT indisvalid) + (SELECT count(*) FROM pg_constraint
			WHERE NOT convalidated AND connamespace = 'invitebridge'::regnamespace)`
		if err := conn.QueryRow(t.Context(), query).Scan(&invalid); err != nil || invalid != 0 {
			t.Errorf("after %d statements: %d indexes and constraints are not valid (%v)", n, invalid, err)
		}
	}
}

// TestMigrateImports_waits: the migration needs each of the two old tables for a moment,
// and gives up if it does not get it. Then it can be repeated.
func TestMigrateImports_waits(t *testing.T) {
	for _, table := range []string{"invitations", "messages"} {
		dsn := migratedTo(t, 1)
		reader := connect(t, dsn)
		if _, err := reader.Exec(t.Context(), "BEGIN; SELECT FROM invitebridge."+table); err != nil {
			t.Fatal(err)
		}
		if err := Migrate(t.Context(), dsn); codeOf(err) != lockNotAvailable {
			t.Errorf("%s: got %v, want %s", table, err, lockNotAvailable)
		}
		if _, err := reader.Exec(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
		if err := Migrate(t.Context(), dsn); err != nil {
			t.Errorf("%s: %v", table, err)
		}
	}
}

// TestMigrateImports_earlierRelease: the release before goes on with the migrated tables,
// beside this one. It leaves messages about imports alone.
func TestMigrateImports_earlierRelease(t *testing.T) {
	dsn := migratedTo(t, 1)
	insertEarlier(t, dsn, sample(1))
	if err := Migrate(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	insertEarlier(t, dsn, sample(2))
	s := open(t, dsn)
	i, imported := importOf(1), sample(3)
	imported.ImportID = i.ID
	update(t, s, func(tx bridge.Tx) error {
		return errors.Join(tx.PutImport(i), tx.PutMessage(messageOf(i)), tx.InsertInvitation(imported), tx.PutMessage(emailOf(imported)))
	})
	for n := range 2 { // written before the migration and afterwards
		increment(t, s, sample(n+1).ID, nil)
	}

	conn := connect(t, dsn)
	earlierInvitations, earlierMessages := earlier(invitations), earlier(messages)
	row, err := rowOf(imported)
	if err != nil {
		t.Fatal(err)
	}
	row.Epoch = 7
	if _, err := conn.Exec(t.Context(), earlierInvitations.update(), earlierInvitations.args(row)...); err != nil {
		t.Error(err)
	}
	err = s.View(t.Context(), func(tx bridge.Tx) error {
		got, err := tx.Invitation(imported.ID)
		if got.Epoch != 7 || got.ImportID != i.ID {
			t.Errorf("it has overwritten what it does not know: %+v", got)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	var due []uuid.UUID
	args := []any{argText("crm"), (*moment)(new(imported.CreatedAt.Add(time.Hour))), 9}
	rows, err := conn.Query(t.Context(), strings.Replace(lockDue, ", 'import_finished'", "", 1), args...)
	if err != nil {
		t.Fatal(err)
	}
	var message, invitation uuid.UUID
	if _, err := pgx.ForEachRow(rows, []any{(*id)(&message), (*id)(&invitation)}, func() error {
		due = append(due, invitation)
		return nil
	}); err != nil || len(due) != 3 {
		t.Errorf("the messages due are those of %v (%v), want 3", due, err)
	}
	const list = " FROM invitebridge.messages t ORDER BY t.id"
	rows, err = conn.Query(t.Context(), "SELECT "+earlierMessages.names()+list)
	if err != nil {
		t.Fatal(err)
	}
	if all, err := earlierMessages.scan(rows, nil); err != nil || len(all) != 4 {
		t.Errorf("it lists %d messages (%v), want 4", len(all), err)
	}
	if _, err := conn.Exec(t.Context(), deleteInvitation, argID(imported.ID)); err != nil {
		t.Error(err)
	}
}

// earlier returns a table as the release with the first migration alone knows it.
func earlier[T any](of table[T]) table[T] {
	added := slices.IndexFunc(of.columns, func(c column[T]) bool { return c.name == "import_id" })
	return table[T]{of.name, of.columns[:added]}
}

// insertEarlier stores an invitation with a message as the release before does.
func insertEarlier(t *testing.T, dsn string, inv bridge.Invitation) {
	t.Helper()
	conn := connect(t, dsn)
	row, err := rowOf(inv)
	if err != nil {
		t.Fatal(err)
	}
	mrow, err := messageRowOf(emailOf(inv))
	if err != nil {
		t.Fatal(err)
	}
	i, ms := earlier(invitations), earlier(messages)
	_, err = conn.Exec(t.Context(), i.insert(), i.args(row)...)
	if err == nil {
		_, err = conn.Exec(t.Context(), ms.insert(), ms.args(mrow)...)
	}
	if err == nil {
		_, err = conn.Exec(t.Context(), ms.update(), ms.args(mrow)...)
	}
	if err == nil {
		_, err = conn.Exec(t.Context(), "UPDATE invitebridge.counters SET pending = pending + 1, queued = queued + 1 WHERE slot = 0")
	}
	if err != nil {
		t.Fatal(err)
	}
}

func emailOf(inv bridge.Invitation) bridge.Message {
	m := message(inv, 1)
	m.Payload.Type = bridge.EventTokenCreated
	return m
}

// migratedTo returns the DSN of a database that only the first migrations were applied to.
func migratedTo(t *testing.T, count int) string {
	t.Helper()
	dsn := emptyDatabase(t)
	all, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, file := range all[:count] {
		data, err := fs.ReadFile(migrations, file)
		if err != nil {
			t.Fatal(err)
		}
		files[path.Base(file)] = &fstest.MapFile{Data: data}
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*config)
	defer func() { _ = db.Close() }()
	if err := migrate(context.Background(), db, files); err != nil {
		t.Fatal(err)
	}
	return dsn
}

// statementsOf returns the statements of a migration.
func statementsOf(t *testing.T, file string) (list []string) {
	t.Helper()
	data, err := fs.ReadFile(migrations, "migrations/"+file)
	if err != nil {
		t.Fatal(err)
	}
	_, up, _ := strings.Cut(string(data), "-- +goose Up\n")
	for s := range strings.SplitSeq(strings.TrimSpace(up), ";\n") {
		list = append(list, strings.TrimSuffix(s, ";"))
	}
	return list
}
