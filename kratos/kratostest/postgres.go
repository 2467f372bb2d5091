package kratostest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrNoPostgres reports that PostgreSQL is not installed.
var ErrNoPostgres = errors.New("PostgreSQL is not installed: no initdb in PATH or /usr/lib/postgresql; Debian's package is postgresql")

// Postgres is a private PostgreSQL cluster on loopback, a child of this process that
// exits with it. One from [SharedPostgres] may be another's server instead, of which
// nothing but databases can be had.
type Postgres struct {
	bin, dir string
	port     int
	owner    *user.User // the user it runs as; nil: this user
	process  *process
	durable  bool
	foreign  *url.URL // the DSN of another's server; nil: it is ours

	mu      sync.Mutex
	created []string // databases on a foreign server
}

const superuser = "kratostest"

// StartPostgres creates a cluster in a temporary directory and starts it. It is not
// durable: it never waits for a disk. PostgreSQL refuses to run as root, so root
// runs it as the user postgres.
//
// Errors: ErrNoPostgres if PostgreSQL is not installed.
func StartPostgres(ctx context.Context) (*Postgres, error) { return startPostgres(ctx, false) }

// StartDurablePostgres is StartPostgres with a cluster that syncs each commit, as
// in production.
func StartDurablePostgres(ctx context.Context) (*Postgres, error) { return startPostgres(ctx, true) }

func startPostgres(ctx context.Context, durable bool) (p *Postgres, err error) {
	p = &Postgres{durable: durable}
	if p.bin, err = postgresBin(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err = p.start(ctx); err != nil {
		_ = p.Stop() // err is the cause
		return nil, fmt.Errorf("kratostest: PostgreSQL: %w", err)
	}
	return p, nil
}

// postgresBin returns the directory of the newest server. Debian keeps server
// binaries out of PATH.
func postgresBin() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		path, err = filepath.EvalSymlinks(path)
		return filepath.Dir(path), err
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is valid
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
	if os.Getuid() == 0 {
		if p.owner, err = user.Lookup("postgres"); err != nil {
			return err
		}
	}
	if err = p.makeDir(); err != nil {
		return err
	}
	data := p.data()
	err = p.run(ctx, "initdb", "-D", data, "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ { // another process may take the port meanwhile
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
	return p.serveAt(ctx, data)
}

// serveAt starts the server at its port and returns when it accepts connections.
func (p *Postgres) serveAt(ctx context.Context, data string) (err error) {
	p.process, err = p.command("postgres", "-D", data, "-p", strconv.Itoa(p.port), "-c", fmt.Sprintf("fsync=%v", p.durable),
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
			return fmt.Errorf("%w: %w", errExited, p.process.exitError())
		case <-ctx.Done():
			return fmt.Errorf("the server is not ready: %w\n%s", ctx.Err(), p.process.output)
		}
	}
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

// Analyze updates the statistics of all databases now, as autovacuum does after a
// minute. Without them, PostgreSQL does not use the indexes of a new database.
func (p *Postgres) Analyze(ctx context.Context) error {
	err := p.run(ctx, "vacuumdb", "--all", "--analyze-only", "--quiet", "-h", "127.0.0.1", "-p", strconv.Itoa(p.port), "-U", superuser)
	if err != nil {
		return fmt.Errorf("kratostest: PostgreSQL: %w", err)
	}
	return nil
}

// PID returns the process id of the postmaster, the parent of all other processes
// of PostgreSQL.
func (p *Postgres) PID() int { return p.process.cmd.Process.Pid }

// Version returns the name and version of the server.
func (p *Postgres) Version(ctx context.Context) string {
	text, _ := exec.CommandContext(ctx, filepath.Join(p.bin, "postgres"), "--version").Output()
	_, version, _ := strings.Cut(string(text), ") ") // postgres (PostgreSQL) 15.18 (Debian …)
	version, _, _ = strings.Cut(strings.TrimSpace(version), " ")
	return strings.TrimSpace("PostgreSQL " + version)
}

// Stop stops PostgreSQL and removes its data. Of a server that is not ours it drops
// the databases that NewDatabase created. It may be called twice.
func (p *Postgres) Stop() error {
	errs := []error{p.dropDatabases()}
	if p.process != nil {
		errs = append(errs, p.process.close())
	}
	if p.dir != "" {
		errs = append(errs, os.RemoveAll(p.dir))
	}
	return errors.Join(errs...)
}
