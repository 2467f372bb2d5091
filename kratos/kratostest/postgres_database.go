package kratostest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// envPostgres names a server for tests where PostgreSQL is not installed: a URL of a
// role that may create databases.
const envPostgres = "POSTGRES_DSN"

// foreignPostgres returns a server that is not ours.
func foreignPostgres(dsn string) (*Postgres, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, errors.New("kratostest: " + envPostgres + " must look like postgres://user:password@host:5432/database")
	}
	if u.RawQuery == "" {
		u.RawQuery = "sslmode=prefer" // the default; so that words can be added
	}
	return &Postgres{foreign: u}, nil
}

// DSN returns the DSN of a database in which statements about the whole server can
// be executed.
func (p *Postgres) DSN() string {
	if p.foreign != nil {
		return p.foreign.String()
	}
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/postgres?sslmode=disable", superuser, p.port)
}

// NewDatabase creates an empty database and returns its DSN.
func (p *Postgres) NewDatabase(ctx context.Context) (dsn string, err error) {
	name := "test_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if err := p.execute(ctx, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"); err != nil {
		return "", err
	}
	if p.foreign != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.created = append(p.created, name)
	}
	u, err := url.Parse(p.DSN())
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

func (p *Postgres) dropDatabases() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, name := range p.created {
		errs = append(errs, p.execute(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"))
	}
	p.created = nil
	return errors.Join(errs...)
}

func (p *Postgres) execute(ctx context.Context, statement string) (err error) {
	conn, err := pgx.Connect(ctx, p.DSN())
	if err == nil {
		_, err = conn.Exec(ctx, statement)
		err = errors.Join(err, conn.Close(ctx))
	}
	if err != nil {
		return fmt.Errorf("kratostest: PostgreSQL: %w", err)
	}
	return nil
}
