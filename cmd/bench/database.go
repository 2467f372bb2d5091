package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"invitebridge/kratos/kratostest"
)

// envDSN names the database of Kratos: a DSN, "postgres" for a private PostgreSQL
// that is started here, or "sqlite". If it is empty, the private PostgreSQL is used
// where PostgreSQL is installed, else SQLite.
const envDSN = "KRATOS_DSN"

// database is where Kratos keeps identities.
type database struct {
	dsn     string               // given by the user; empty: one of those below
	private *kratostest.Postgres // nil: SQLite, if dsn is empty
}

func openDatabase(ctx context.Context) (*database, error) {
	d := &database{}
	value := os.Getenv(envDSN)
	if value != "" && value != "postgres" && value != "sqlite" {
		d.dsn = value
		return d, nil
	}
	if value == "sqlite" {
		return d, nil
	}
	var err error
	d.private, err = kratostest.StartDurablePostgres(ctx)
	if value == "" && errors.Is(err, kratostest.ErrNoPostgres) {
		return &database{}, nil
	}
	return d, err
}

func (d *database) close() error {
	if d.private != nil {
		return d.private.Stop()
	}
	return nil
}

// fresh returns the DSN of an empty database, or of the given one; empty: SQLite.
func (d *database) fresh(ctx context.Context) (string, error) {
	if d.private != nil {
		dsn, err := d.private.NewDatabase(ctx)
		return dsn + pool, err
	}
	return d.dsn, nil
}

// settle prepares a private database for measurements, once there are rows in it.
func (d *database) settle(ctx context.Context) error {
	if d.private != nil {
		return d.private.Analyze(ctx)
	}
	return nil
}

// pool is the pool of connections in the DSN of Ory's quick start. With the default,
// which depends on the number of processors, a Kratos with one client connects anew
// for most writes.
const pool = "&max_conns=20&max_idle_conns=20"

// programs names the server processes of a kind of database.
var programs = map[string]string{"postgres": "postgres", "postgresql": "postgres", "mysql": "mysqld", "cockroach": "cockroach"}

// cpu returns the CPU time of the database server.
func (d *database) cpu(all map[int]process) time.Duration {
	if d.private != nil {
		return tree(all, d.private.PID())
	}
	return d.foreign(all)
}

// foreign returns the CPU time of a database server that was not started here. All
// processes of its name on this machine are taken for it.
func (d *database) foreign(all map[int]process) time.Duration {
	scheme, _, _ := strings.Cut(d.dsn, "://")
	if program := programs[scheme]; program != "" {
		return named(all, program)
	}
	return 0
}

// String describes the database without its secrets.
func (d *database) String() string {
	scheme, _, _ := strings.Cut(d.dsn, "://")
	switch {
	case d.private != nil:
		return fmt.Sprintf("%s, started for this run on loopback", d.private.Version(context.Background()))
	case d.dsn != "":
		return scheme + ", as " + envDSN + " says"
	}
	return "SQLite"
}
