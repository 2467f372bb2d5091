package kratostest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// NewStandby starts a synchronous standby of this server, in place of an earlier
// server if that is not nil: at its port. It returns when each commit of this server
// waits for it.
func (p *Postgres) NewStandby(ctx context.Context, replaced *Postgres) (standby *Postgres, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	standby = &Postgres{bin: p.bin, durable: p.durable, owner: p.owner}
	if err = standby.follow(ctx, p, replaced); err != nil {
		_ = standby.Stop() // err is the cause
		return nil, fmt.Errorf("kratostest: PostgreSQL: a standby: %w", err)
	}
	return standby, nil
}

func (p *Postgres) follow(ctx context.Context, primary, replaced *Postgres) (err error) {
	if err = p.makeDir(); err != nil {
		return err
	}
	if replaced != nil {
		p.port = replaced.port
	} else if p.port, err = freePort(0); err != nil {
		return err
	}
	if err := p.run(ctx, "pg_basebackup", "-D", p.data(), "-R", "-X", "stream", "-c", "fast", "--no-sync",
		"-h", "127.0.0.1", "-p", strconv.Itoa(primary.port), "-U", superuser); err != nil {
		return err
	}
	if err := p.serveAt(ctx, p.data()); err != nil {
		return err
	}
	for _, sql := range []string{"ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"} {
		if _, err := primary.SQL(ctx, sql); err != nil {
			return err
		}
	}
	for {
		state, err := primary.SQL(ctx, "SELECT sync_state FROM pg_stat_replication")
		if err == nil && state == "sync" {
			return nil
		}
		select {
		case <-time.After(pollEvery):
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("it is not synchronous: %q", state), err)
		}
	}
}

// Promote makes a standby a primary, and returns when it accepts writes.
func (p *Postgres) Promote(ctx context.Context) error {
	done, err := p.SQL(ctx, "SELECT pg_promote()")
	if err == nil && done != "t" {
		err = fmt.Errorf("pg_promote returned %q", done)
	}
	if err != nil {
		return fmt.Errorf("kratostest: PostgreSQL: %w", err)
	}
	return nil
}

// SQL runs a statement as the superuser, and returns what it shows.
func (p *Postgres) SQL(ctx context.Context, statement string) (string, error) {
	out, err := exec.CommandContext(ctx, filepath.Join(p.bin, "psql"), "-X", "-A", "-t", "-h", "127.0.0.1",
		"-p", strconv.Itoa(p.port), "-U", superuser, "-d", "postgres", "-c", statement).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// With returns a DSN of this server that names another one as well, for clients
// that follow a failover.
func (p *Postgres) With(other *Postgres, dsn string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", errors.New("kratostest: PostgreSQL: the DSN is invalid")
	}
	u.Host = p.address() + "," + other.address()
	u.RawQuery += "&target_session_attrs=read-write"
	return u.String(), nil
}

func (p *Postgres) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)) }

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// makeDir makes the directory of a server, which belongs to its user.
func (p *Postgres) makeDir() (err error) {
	if p.dir, err = os.MkdirTemp("", "kratostest-postgres-"); err != nil || p.owner == nil {
		return err
	}
	uid, _ := strconv.Atoi(p.owner.Uid)
	return os.Chown(p.dir, uid, -1)
}
