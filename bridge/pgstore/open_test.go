package pgstore

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// TestOpenSchema: a schema that this program cannot use is refused, with what to do.
func TestOpenSchema(t *testing.T) {
	for _, c := range []struct {
		name, change string
		want         error
		advice       string
	}{
		{"current", "", nil, ""},
		{"not migrated", "DELETE FROM invitebridge.goose_db_version WHERE version_id > 0", ErrNotMigrated, "migrate sql"},
		{"newer", "INSERT INTO invitebridge.goose_db_version (version_id, is_applied) VALUES (9999, true)", nil, ""},
		{"too new", "UPDATE invitebridge.requirements SET min_release = 9999", ErrNewerSchema, "upgrade"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dsn := newDatabase(t)
			if c.change != "" {
				execute(t, dsn, c.change)
			}
			s, err := Open(t.Context(), dsn)
			if err == nil {
				err = s.Close()
			}
			if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.advice) {
				t.Errorf("got %v, want %v and %q", err, c.want, c.advice)
			}
		})
	}
}

// TestOpenEmptyDatabase: a database without the schema is refused, and nothing is
// created in it.
func TestOpenEmptyDatabase(t *testing.T) {
	dsn := emptyDatabase(t)
	if _, err := Open(t.Context(), dsn); !errors.Is(err, ErrNotMigrated) || !strings.Contains(err.Error(), adviceMigrate) {
		t.Errorf("got %v, want %v and %q", err, ErrNotMigrated, adviceMigrate)
	}
	var n int
	const count = "SELECT count(*) FROM pg_namespace WHERE nspname = 'invitebridge'"
	if err := connect(t, dsn).QueryRow(t.Context(), count).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d schemas (%v), want none", n, err)
	}
}

// TestOpenOlderSchema: the texts of a schema that lacks a migration.
func TestOpenOlderSchema(t *testing.T) {
	s := open(t, newDatabase(t))
	own, err := latest()
	if err != nil {
		t.Fatal(err)
	}
	err = compareSchema(own-1, 0, own)
	if own == 1 {
		err = compareSchema(1, 0, 2)
	}
	if !errors.Is(err, ErrOlderSchema) || !strings.Contains(err.Error(), adviceMigrate) {
		t.Errorf("got %v, want %v and %q", err, ErrOlderSchema, adviceMigrate)
	}
	if err := s.checkSchema(t.Context()); err != nil {
		t.Error(err)
	}
}

const secret = "s3cr3t"

// TestDSN: what is wrong is said, and no secret is.
func TestDSN(t *testing.T) {
	for _, dsn := range []string{
		"", "bolt:///x?password=" + secret, "host=localhost password=" + secret,
		"postgres://u:" + secret + "@host:port/db", "postgres://u:" + secret + "%zz@host/db", "postgres://u:" + secret + "@host/db?sslmode=" + secret,
		"postgres://u:" + secret + "@host/db?max_conns=0", "postgres://u:" + secret + "@host/db?max_conns=" + secret,
		"postgres://u:" + secret + "@host/db?max_idle_conns=-1", "postgres://u:" + secret + "@host/db?max_conn_lifetime=1",
		"postgres://u:" + secret + "@host/db?max_conn_idle_time=-1s", "postgres://u:" + secret + "@host/db?pool_max_conns=x",
		"postgres://u:" + secret + "@host/db?connect_timeout=x", "postgres://u@host/db?password=" + secret + "&sslrootcert=/nowhere&sslmode=verify-full",
		"postgres://u:" + secret + "@host/db?%zz",
	} {
		for what, err := range map[string]error{"ParseDSN": ParseDSN(dsn), "Migrate": Migrate(t.Context(), dsn)} {
			if !errors.Is(err, ErrDSN) || strings.Contains(err.Error(), secret) {
				t.Errorf("%s(%q): got %v, want %v without the secret", what, dsn, err, ErrDSN)
			}
		}
	}
}

// TestDSNArguments: a mode that writes arguments into the text of statements is
// refused. With the others, pg_stat_activity shows the statement without them.
func TestDSNArguments(t *testing.T) {
	dsn := newDatabase(t)
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		config, _, err := parse(withWords(t, dsn, "default_query_exec_mode", mode))
		if mode == "simple_protocol" {
			if !errors.Is(err, ErrDSN) || !strings.Contains(err.Error(), "default_query_exec_mode") {
				t.Errorf("%s: got %v, want %v that names it", mode, err, ErrDSN)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		conn, err := pgx.ConnectConfig(t.Context(), config.ConnConfig)
		if err != nil {
			t.Fatal(err)
		}
		var text string
		err = conn.QueryRow(t.Context(), "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid() AND $1 <> ''", "ada@example.com").Scan(&text)
		if err != nil || strings.Contains(text, "ada@example.com") || !strings.Contains(text, "$1") {
			t.Errorf("%s: pg_stat_activity shows %q (%v)", mode, text, err)
		}
		_ = conn.Close(t.Context())
	}
}

// TestDSNPool: Kratos' words reach the pool, and not the server.
func TestDSNPool(t *testing.T) {
	config, words, err := parse("postgres://u:p@h/d?max_conns=7&max_idle_conns=3&max_conn_lifetime=2h&max_conn_idle_time=5m&lock_timeout=1s")
	if err != nil {
		t.Fatal(err)
	}
	if config.MaxConns != 7 || words.maxIdleConns != 3 || config.MaxConnLifetime != 2*time.Hour || config.MaxConnIdleTime != 5*time.Minute {
		t.Errorf("got %+v", config)
	}
	words.adapt(config, false)
	params := config.ConnConfig.RuntimeParams
	if params["lock_timeout"] != "1s" || params["application_name"] != "invitebridge" {
		t.Errorf("got the settings %v", params)
	}
	for name := range params {
		if strings.HasPrefix(name, "max_") {
			t.Errorf("%s is sent to the server", name)
		}
	}
	if err := ParseDSN("postgres://u:p@a:1,b:2/d"); err != nil {
		t.Errorf("several hosts: %v", err)
	}
}

// TestDSNIdle: max_idle_conns bounds the connections that are kept.
func TestDSNIdle(t *testing.T) {
	s := open(t, withWords(t, newDatabase(t), "max_conns", "5", "max_idle_conns", "2"))
	var taken []*pgxpool.Conn
	for range 5 {
		conn, err := s.pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, conn)
	}
	for _, conn := range taken {
		conn.Release()
		// Release ends in the background.
		testenv.Eventually(t, "the connection is released", func() bool { return s.pool.Stat().AcquiredConns() < int32(len(taken)) })
		taken = taken[1:]
	}
	testenv.Eventually(t, "at most two are idle", func() bool { return s.pool.Stat().TotalConns() <= 2 })
}

// TestUnknownUser: an error of the server names the reason, and neither user nor
// password.
func TestUnknownUser(t *testing.T) {
	kratostest.OwnPostgres(t) // which asks for no password
	u := parseURL(t, newDatabase(t))
	u.User = url.UserPassword("canary", secret)
	_, openErr := Open(t.Context(), u.String())
	_, statusErr := Migrations(t.Context(), u.String())
	for what, err := range map[string]error{"Open": openErr, "Migrate": Migrate(t.Context(), u.String()), "Migrations": statusErr} {
		if err == nil || !strings.Contains(err.Error(), "does not exist") || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v, want the reason without the user", what, err)
		}
	}
}

// TestUnreachable: no error contains the user or the password.
func TestUnreachable(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	dsn := "postgres://canary:" + secret + "@" + address + "/d?sslmode=disable"
	_, openErr := Open(t.Context(), dsn)
	_, statusErr := Migrations(t.Context(), dsn)
	for what, err := range map[string]error{"Open": openErr, "Migrate": Migrate(t.Context(), dsn), "Migrations": statusErr} {
		if err == nil || !strings.Contains(err.Error(), address) || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v, want an error without the secret", what, err)
		}
	}
}

// TestDurable: an update raises a synchronous_commit that the role has lowered.
func TestDurable(t *testing.T) {
	for level, want := range map[string]string{"off": "on", "local": "on", "remote_write": "on", "on": "on", "remote_apply": "remote_apply"} {
		s := open(t, withWords(t, newDatabase(t), "synchronous_commit", level))
		got := ""
		u := s.newUpdate(context.Background(), mode{})
		err := u.do(statement{sql: "SELECT current_setting('synchronous_commit')", rows: func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&got}, func() error { return nil })
			return err
		}})
		u.finish()
		if err != nil || got != want {
			t.Errorf("%s: an update has %q (%v), want %s", level, got, err, want)
		}
	}
}
