package kratostest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// PgBouncer is a connection pooler in front of all databases of a [Postgres].
type PgBouncer struct{ address string }

const pgBouncerConfig = `[databases]
* = host=127.0.0.1 port=%d user=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = %s
default_pool_size = 20
max_client_conn = 500
`

// StartPgBouncer starts PgBouncer in front of the server of OwnPostgres in a mode,
// "transaction" or "session", until the test ends. It skips the test where PgBouncer
// is not installed, and fails it instead if the environment has CI=true.
func StartPgBouncer(t testing.TB, mode string) *PgBouncer {
	t.Helper()
	p := OwnPostgres(t)
	program, err := pgBouncerPath()
	if err != nil {
		missing(t, "PgBouncer is not installed; Debian's package is pgbouncer")
	}
	b, child, err := p.startPgBouncer(program, mode)
	if err != nil {
		t.Fatalf("kratostest: PgBouncer: %v", err)
	}
	t.Cleanup(func() {
		if err := child.close(); err != nil {
			t.Errorf("kratostest: PgBouncer: %v", err)
		}
		if t.Failed() {
			t.Logf("the end of PgBouncer's log:\n%s", child.output)
		}
	})
	return b
}

// pgBouncerPath returns the path of the program. Debian keeps it out of PATH.
func pgBouncerPath() (string, error) {
	if path, err := exec.LookPath("pgbouncer"); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/pgbouncer")
}

func (p *Postgres) startPgBouncer(program, mode string) (*PgBouncer, *process, error) {
	for attempt := 1; ; attempt++ { // another process may take the port meanwhile
		port, err := freePort(p.port)
		if err != nil {
			return nil, nil, err
		}
		file := filepath.Join(p.dir, fmt.Sprintf("pgbouncer-%d.ini", port))
		// PgBouncer may run as another user.
		text := fmt.Sprintf(pgBouncerConfig, p.port, superuser, port, mode)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return nil, nil, err
		}
		child, err := startProcessAs(p.owner, p.dir, io.Discard, []string{"LC_ALL=C", "TZ=UTC"}, program, file)
		if err != nil {
			return nil, nil, err
		}
		b := &PgBouncer{net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
		if err = b.await(child); err == nil {
			return b, child, nil
		}
		_ = child.close() // err is the cause
		if attempt == 3 {
			return nil, nil, err
		}
	}
}

// await waits until PgBouncer accepts connections.
func (b *PgBouncer) await(child *process) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", b.address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-poll.C:
		case <-child.done:
			return fmt.Errorf("%w: %w", errExited, child.exitError())
		case <-ctx.Done():
			return fmt.Errorf("it does not listen: %w\n%s", ctx.Err(), child.output)
		}
	}
}

// Through returns a DSN of the database that leads through PgBouncer.
func (b *PgBouncer) Through(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return dsn
	}
	u.Host = b.address
	return u.String()
}
