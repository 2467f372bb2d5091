package pgstore

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path"
	"sync"
	"sync/atomic"
	"testing"

	"invitebridge/kratos/kratostest"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) { os.Exit(kratostest.Main(m)) }

// template is a migrated database that others are copied from.
var template struct {
	once sync.Once
	dsn  string
	err  error
}

var databases atomic.Int64

// newDatabase returns the DSN of a migrated database of its own, which the test
// drops.
func newDatabase(t testing.TB) string {
	t.Helper()
	server := kratostest.SharedPostgres(t)
	template.once.Do(func() {
		if template.dsn, template.err = server.NewDatabase(context.Background()); template.err == nil {
			template.err = Migrate(context.Background(), template.dsn)
		}
	})
	if template.err != nil {
		t.Fatal(template.err)
	}
	return createDatabase(t, "TEMPLATE "+path.Base(parseURL(t, template.dsn).Path))
}

// createDatabase returns the DSN of a database of its own, which the test drops. There
// must be a template.
func createDatabase(t testing.TB, options string) string {
	t.Helper()
	name := fmt.Sprintf("%s_%d", path.Base(parseURL(t, template.dsn).Path), databases.Add(1))
	administer(t, fmt.Sprintf("CREATE DATABASE %s %s", name, options))
	t.Cleanup(func() { administer(t, fmt.Sprintf("DROP DATABASE %s WITH (FORCE)", name)) })
	return patient(t, inDatabase(t, template.dsn, name))
}

// emptyDatabase returns the DSN of a database without any table.
func emptyDatabase(t testing.TB) string {
	t.Helper()
	dsn, err := kratostest.SharedPostgres(t).NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// patient returns a DSN whose sessions have no timeout: no result depends on the
// speed of the machine.
func patient(t testing.TB, dsn string) string {
	t.Helper()
	return withWords(t, dsn, "idle_in_transaction_session_timeout", "0", "lock_timeout", "0", "statement_timeout", "0")
}

func withWords(t testing.TB, dsn string, words ...string) string {
	t.Helper()
	u := parseURL(t, dsn)
	q := u.Query()
	for i := 0; i < len(words); i += 2 {
		q.Set(words[i], words[i+1])
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func inDatabase(t testing.TB, dsn, name string) string {
	t.Helper()
	u := parseURL(t, dsn)
	u.Path = "/" + name
	return u.String()
}

func parseURL(t testing.TB, dsn string) *url.URL {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func administer(t testing.TB, statement string) {
	t.Helper()
	execute(t, kratostest.SharedPostgres(t).DSN(), statement)
}

func connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func execute(t testing.TB, dsn, statement string) {
	t.Helper()
	conn := connect(t, dsn)
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(context.Background(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func open(t testing.TB, dsn string, options ...Option) *Store {
	t.Helper()
	s, err := Open(context.Background(), dsn, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
