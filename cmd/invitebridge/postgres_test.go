package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"invitebridge/bridge/metrics"
	"invitebridge/bridge/pgstore"
	"invitebridge/config"
	"invitebridge/kratos/kratostest"
)

// databasePassword is accepted by the server, which trusts every client, and must
// not be printed anywhere.
const databasePassword = "CANARY-of-the-database"

// newDSN returns the DSN of an empty database, with a password.
func newDSN(t testing.TB) string {
	t.Helper()
	dsn, err := kratostest.SharedPostgres(t).NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(u.User.Username(), databasePassword)
	return u.String()
}

// TestPostgres: two bridges share a database, which both migrate at start. The
// invitation of one is accepted at the other, through PgBouncer too.
func TestPostgres(t *testing.T) {
	dsn := newDSN(t)
	kratos := kratostest.Shared(t)
	start := func(t *testing.T, dsn string) *running {
		return startBridge(t, kratos, "dsn: "+dsn, "serve: { migrate: true }")
	}
	inviting, accepting := start(t, dsn), start(t, dsn)
	invited := func(t *testing.T, inviting, accepting *running, email string) {
		t.Helper()
		issued := inviting.invite(object{"email": email})
		if a := accepting.accept(token(issued), password); a.status != http.StatusOK {
			t.Fatalf("accept: %d %s", a.status, a.text)
		}
		if err := kratos.SignIn(t.Context(), email, password); err != nil {
			t.Error(err)
		}
		if a := inviting.asAdmin(http.MethodGet, "/"+issued["id"].(string), nil); a.body["state"] != "accepted" {
			t.Errorf("the invitation is %s", a.text)
		}
	}
	t.Run("accepted at another replica", func(t *testing.T) { invited(t, inviting, accepting, "replica@example.com") })
	t.Run("through PgBouncer", func(t *testing.T) {
		pooled := startBridge(t, kratos, "dsn: "+kratostest.StartPgBouncer(t, "transaction").Through(dsn))
		invited(t, pooled, inviting, "pooled@example.com")
		invited(t, accepting, pooled, "into.the.pool@example.com")
		if a := pooled.call(http.MethodGet, pooled.admin+"/health/ready", nil); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.text)
		}
		if code := pooled.stop(); code != exitOK || strings.Contains(pooled.log.String(), databasePassword) {
			t.Errorf("exit code %d\n%s", code, pooled.log)
		}
	})
	t.Run("ready", func(t *testing.T) {
		if a := inviting.call(http.MethodGet, inviting.admin+"/health/ready", nil); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.text)
		}
	})
	t.Run("backup", func(t *testing.T) {
		if a := inviting.asAdmin(http.MethodGet, "/backup", nil); a.status != http.StatusNotImplemented || a.errorID() != "backup_not_supported" {
			t.Errorf("%d %s", a.status, a.text)
		}
		file := filepath.Join(t.TempDir(), "copy.db")
		code, out, errs := command(t, []string{envAPIKey + "=" + key}, "backup", file, "-e", inviting.admin)
		left, _ := filepath.Glob(file + "*")
		if code != exitFailed || out != "" || !strings.Contains(errs, "backup_not_supported: ") || !strings.Contains(errs, "pg_dump") || len(left) > 0 {
			t.Errorf("code %d: %s%s%v", code, out, errs, left)
		}
	})
	t.Run("metrics", func(t *testing.T) {
		a := inviting.call(http.MethodGet, inviting.admin+"/metrics/prometheus", nil, "Authorization", "Bearer "+key)
		for _, want := range []string{
			"invitebridge_store_readable 1\n", `invitebridge_store_connections{state="idle"}`, `invitebridge_store_connections_max `,
			`invitebridge_store_retries_total{cause="deadlock_detected"} 0`, "invitebridge_invitations_pending 0\n",
		} {
			if !strings.Contains(a.text, want) {
				t.Errorf("there is no %q", want)
			}
		}
		if strings.Contains(a.text, "store_size_bytes") || strings.Contains(a.text, databasePassword) {
			t.Error("there is the size of a file, or the password")
		}
	})
	t.Run("doctor", func(t *testing.T) {
		_, findings, _ := newExaminedBridge(inviting).doctor(nil)
		if found := findingsOf(findings, "dsn"); len(found) != 1 || found[0].Verdict != "ok" || !strings.Contains(found[0].Message, "migrated and accepts writes") {
			t.Errorf("%+v", found)
		}
		_, findings, _ = newExaminedBridge(inviting).doctor([]string{envDSN + "=" + newDSN(t)})
		if found := findingsOf(findings, "dsn"); len(found) != 1 || found[0].Verdict != "problem" || !strings.Contains(found[0].Message, "migrate sql -e --yes") {
			t.Errorf("%+v", found)
		}
		_, findings, _ = newExaminedBridge(inviting).doctor([]string{envDSN + "=postgres://CANARY:CANARY@127.0.0.1:1/db?sslmode=disable"})
		if found := findingsOf(findings, "dsn"); len(found) != 1 || found[0].Verdict != "problem" || !strings.Contains(found[0].Message, "cannot connect: 127.0.0.1:1") {
			t.Errorf("%+v", found)
		}
	})
	for _, b := range []*running{inviting, accepting} {
		if code := b.stop(); code != exitOK || strings.Contains(b.log.String(), databasePassword) {
			t.Errorf("exit code %d\n%s", code, b.log)
		}
	}
}

// TestDeadlockLogged: a deadlock is reported as a defect, other retries only counted.
func TestDeadlockLogged(t *testing.T) {
	var out bytes.Buffer
	s := server{instrumentation: &instrumentation{metrics: metrics.New("v1")}}
	s.log, _ = newLogger(&out, config.Log{Level: "info", Format: "json"})
	s.retried(pgstore.CauseLock, errors.New("locked"))
	if out.Len() > 0 {
		t.Errorf("a lock is logged: %s", &out)
	}
	s.retried(pgstore.CauseDeadlock, errors.New("deadlock detected"))
	if text := out.String(); !strings.Contains(text, `"level":"error"`) || !strings.Contains(text, "please report it") || !strings.Contains(text, "deadlock detected") {
		t.Errorf("logged: %q", text)
	}
}

// TestPostgresDev: development mode migrates a database.
func TestPostgresDev(t *testing.T) {
	environ := []string{envDSN + "=" + newDSN(t), "INVITEBRIDGE_SERVE_PUBLIC_PORT=0", "INVITEBRIDGE_SERVE_ADMIN_PORT=0"}
	ctx, cancel := context.WithCancel(t.Context())
	log := newFollower()
	exit := make(chan int, 1)
	go func() {
		code := run(ctx, []string{"serve", "--dev"}, environ, stdio{out: io.Discard, err: log})
		log.close()
		exit <- code
	}()
	log.address(t, "admin")
	cancel()
	if code := <-exit; code != exitOK || strings.Contains(log.String(), databasePassword) {
		t.Errorf("exit code %d\n%s", code, log)
	}
	if code, out, errs := command(t, environ, "migrate", "status", "-e"); code != exitOK || strings.Contains(out, "Pending") {
		t.Errorf("code %d: %s%s", code, out, errs)
	}
}

// TestPostgresRefused: serve reports what is wrong with a database, without the
// credentials.
func TestPostgresRefused(t *testing.T) {
	dsn := newDSN(t)
	pooler := kratostest.StartPgBouncer(t, "transaction")
	unknown, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	unknown.User = url.UserPassword("CANARY", databasePassword)
	for name, c := range map[string]struct{ dsn, migrate, want string }{
		"not migrated":       {dsn, "false", `the database is not migrated: run "invitebridge migrate sql -e --yes"`},
		"migrated by pooler": {pooler.Through(dsn), "true", "a migration needs a connection to PostgreSQL itself"},
		"unknown user":       {unknown.String(), "true", "does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			environ := []string{
				envDSN + "=" + c.dsn, "INVITEBRIDGE_SERVE_MIGRATE=" + c.migrate, "INVITEBRIDGE_SERVE_PUBLIC_PORT=0", "INVITEBRIDGE_SERVE_ADMIN_PORT=0",
				"INVITEBRIDGE_SERVE_ADMIN_API_KEYS=[{name: a, key: a-long-enough-key}]",
			}
			code, _, errs := command(t, environ, "serve")
			if code != exitFailed || !strings.Contains(errs, "dsn: pgstore: ") || !strings.Contains(errs, c.want) || strings.Contains(errs, "CANARY") {
				t.Errorf("code %d: %s", code, errs)
			}
		})
	}
}
