package kratostest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// ErrNoPostgres says that PostgreSQL is not installed.
var ErrNoPostgres = errors.New("PostgreSQL is not installed: no initdb in PATH or /usr/lib/postgresql")

// Postgres is a PostgreSQL cluster of its own, on loopback. It runs as a child of
// this process and dies with it, and keeps nothing: it never waits for a disk.
type Postgres struct {
	bin, dir string
	port     int
	owner    *user.User // whom it runs as; nil: this user
	process  *process
	count    atomic.Int64 // of databases
}

const superuser = "kratostest"

// StartPostgres makes a cluster in a temporary directory and starts it.
// PostgreSQL refuses to run as root, so for root the user postgres runs it.
// ErrNoPostgres.
func StartPostgres(ctx context.Context) (p *Postgres, err error) {
	p = &Postgres{}
	if p.bin, err = postgresBin(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err = p.start(ctx); err != nil {
		_ = p.Stop() // whatever it says, err says it
		return nil, fmt.Errorf("kratostest: PostgreSQL: %w", err)
	}
	return p, nil
}

// postgresBin finds the directory of the newest server: Debian keeps those of
// the server out of PATH.
func postgresBin() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		path, err = filepath.EvalSymlinks(path)
		return filepath.Dir(path), err
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is a good one
	if len(found) == 0 {
		return "", ErrNoPostgres
	}
	major := func(path string) int {
		n, _ := strconv.Atoi(strings.Split(path, "/")[4])
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return major(a) - major(b) })), nil
}

func (p *Postgres) start(ctx context.Context) (err error) {
	if p.dir, err = os.MkdirTemp("", "kratostest-postgres-"); err != nil {
		return err
	}
	if os.Getuid() == 0 {
		if p.owner, err = user.Lookup("postgres"); err != nil {
			return err
		}
		uid, _ := strconv.Atoi(p.owner.Uid)
		if err := os.Chown(p.dir, uid, -1); err != nil {
			return err
		}
	}
	data := filepath.Join(p.dir, "data")
	err = p.run(ctx, "initdb", "-D", data, "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ { // a port may be taken meanwhile
		err := p.serve(ctx, data)
		if err == nil || attempt == 3 || !strings.Contains(err.Error(), "Address already in use") {
			return err
		}
	}
}

func (p *Postgres) serve(ctx context.Context, data string) (err error) {
	if p.port, err = freePort(0); err != nil {
		return err
	}
	p.process, err = p.command("postgres", "-D", data, "-F", "-p", strconv.Itoa(p.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200")
	if err != nil {
		return err
	}
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		if err = p.run(ctx, "pg_isready", "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(p.port)); err == nil {
			return nil
		}
		select {
		case <-poll.C:
		case <-p.process.done:
			return fmt.Errorf("%w: %w", errExited, p.process.end())
		case <-ctx.Done():
			return fmt.Errorf("it is not ready: %w\n%s", ctx.Err(), p.process.said)
		}
	}
}

// NewDatabase makes an empty database and gives its DSN.
func (p *Postgres) NewDatabase(ctx context.Context) (dsn string, err error) {
	name := "db" + strconv.FormatInt(p.count.Add(1), 10)
	if err := p.run(ctx, "createdb", "-h", "127.0.0.1", "-p", strconv.Itoa(p.port), "-U", superuser, name); err != nil {
		return "", fmt.Errorf("kratostest: PostgreSQL: %w", err)
	}
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", superuser, p.port, name), nil
}

func (p *Postgres) run(ctx context.Context, program string, args ...string) error {
	child, err := p.command(program, args...)
	if err != nil {
		return err
	}
	return child.wait(ctx)
}

func (p *Postgres) command(program string, args ...string) (*process, error) {
	env := []string{"PATH=" + p.bin, "LC_ALL=C", "TZ=UTC"}
	return startProcessAs(p.owner, p.dir, io.Discard, env, filepath.Join(p.bin, program), args...)
}

// Stop ends PostgreSQL and removes all it kept.
func (p *Postgres) Stop() error {
	var errs []error
	if p.process != nil {
		errs = append(errs, p.process.close())
	}
	if p.dir != "" {
		errs = append(errs, os.RemoveAll(p.dir))
	}
	return errors.Join(errs...)
}
