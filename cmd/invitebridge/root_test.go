package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"invitebridge/config"
)

// command runs the program and returns its exit code and output.
func command(t *testing.T, environ []string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, environ, stdio{out: &stdout, err: &stderr})
	return code, stdout.String(), stderr.String()
}

func TestCommandLine(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	store := "INVITEBRIDGE_DSN=bolt://" + filepath.Join(dir, "invites.db")
	good := write("good.yml", "dsn: bolt://"+filepath.Join(dir, "invites.db")+"\nserve: { admin: { api_keys: [ { name: a, key: a-long-enough-key, scopes: [read] } ] } }\n")
	bad := write("bad.yml", "serve: { admin: { api_keys: [ { name: a, key: CANARY } ] }, publik: {} }\ninvitation: { lifespan: soon }\n")
	empty := write("empty.db", "")
	onEmpty := write("onempty.yml", "dsn: bolt://"+empty+"\nserve: { admin: { api_keys: [ { name: a, key: a-long-enough-key } ] } }\n")
	for _, c := range []struct {
		name    string
		args    []string
		environ []string
		code    int
		out     string // part of stdout
		errs    string // part of stderr
	}{
		{name: "no arguments", code: exitOK, out: "serve"},
		{name: "help", args: []string{"serve", "--help"}, code: exitOK, out: "--dev"},
		{name: "version", args: []string{"version"}, code: exitOK, out: version() + "\ncommit  "},
		{name: "the version as a flag", args: []string{"--version"}, code: exitOK, out: version() + "\ncommit  "},
		{name: "an unknown command", args: []string{"invite"}, code: exitUsage, errs: `unknown command "invite"`},
		{name: "an unknown flag", args: []string{"serve", "--prod"}, code: exitUsage, errs: "--prod"},
		{name: "too many arguments", args: []string{"version", "x"}, code: exitUsage, errs: `"x"`},
		{name: "example", args: []string{"config", "example"}, code: exitOK, out: "haveibeenpwned_enabled"},
		{name: "schema", args: []string{"config", "schema"}, code: exitOK, out: `"$schema"`},
		{name: "a valid configuration", args: []string{"config", "check", "-c", good}, code: exitOK, out: "configuration is valid"},
		{name: "a key in the environment", args: []string{"config", "check"}, environ: []string{store, "INVITEBRIDGE_SERVE_ADMIN_API_KEYS=[{name: a, key: a-long-enough-key, scopes: [read]}]"}, code: exitOK, out: "configuration is valid"},
		{name: "no key", args: []string{"config", "check"}, code: exitUsage, errs: "serve.admin.api_keys"},
		{name: "no key, in development", args: []string{"config", "check", "--dev"}, code: exitOK, out: "configuration is valid"},
		{name: "serve without a key", args: []string{"serve"}, code: exitUsage, errs: "serve.admin.api_keys"},
		{name: "serve with problems", args: []string{"serve", "-c", bad}, code: exitUsage, errs: "3 problems"},
		{name: "serve with a page without contrast", args: []string{"serve", "-c", good}, environ: []string{"INVITEBRIDGE_PAGE_ACCENT_COLOR=#ffff00"}, code: exitUsage, errs: "page: accent_color"},
		{name: "the same in config check", args: []string{"config", "check", "--dev"}, environ: []string{"INVITEBRIDGE_PAGE_ACCENT_COLOR=#ffff00"}, code: exitUsage, errs: "page: accent_color"},
		{name: "a missing certificate", args: []string{"config", "check", "--dev"}, environ: []string{"INVITEBRIDGE_SERVE_ADMIN_TLS_CERT_PATH=" + dir + "/none", "INVITEBRIDGE_SERVE_ADMIN_TLS_KEY_PATH=" + dir + "/none"}, code: exitUsage, errs: "serve.admin.tls"},
		{name: "missing templates", args: []string{"config", "check", "--dev"}, environ: []string{"INVITEBRIDGE_COURIER_TEMPLATE_OVERRIDE_PATH=" + dir + "/none", "INVITEBRIDGE_COURIER_SMTP_CONNECTION_URI=smtp://a.example", "INVITEBRIDGE_COURIER_SMTP_FROM_ADDRESS=a@a.example"}, code: exitUsage, errs: "none"},
		{name: "no directory for the store", args: []string{"config", "check", "-c", good}, environ: []string{"INVITEBRIDGE_DSN=bolt://" + dir + "/none/invites.db"}, code: exitUsage, errs: "dsn: boltstore: there is no directory " + dir + "/none"},
		{name: "an empty file for a store", args: []string{"config", "check", "-c", onEmpty}, code: exitUsage, errs: "dsn: boltstore: the store file is empty"},
		{name: "a database", args: []string{"config", "check", "-c", good}, environ: []string{"INVITEBRIDGE_DSN=postgres://u:CANARY@db.example/invites?max_conns=20"}, code: exitOK, out: "configuration is valid"},
		{name: "a database with a wrong word", args: []string{"config", "check", "-c", good}, environ: []string{"INVITEBRIDGE_DSN=postgres://CANARY:CANARY@db.example/invites?max_conns=0"}, code: exitUsage, errs: "dsn: pgstore: the DSN is invalid: max_conns must be a number"},
		{name: "a database with a missing certificate", args: []string{"config", "check", "-c", good}, environ: []string{"INVITEBRIDGE_DSN=postgres://CANARY:CANARY@db.example/invites?sslmode=verify-full&sslrootcert=" + dir + "/none.pem"}, code: exitUsage, errs: "dsn: pgstore: the DSN is invalid: "},
		{name: "a database with a password that is not encoded", args: []string{"config", "check", "-c", good}, environ: []string{"INVITEBRIDGE_DSN=postgres://u:/CANARY@db.example/invites"}, code: exitUsage, errs: "percent-encoded"},
		{name: "serve on a database with a wrong word", args: []string{"serve", "-c", good}, environ: []string{"INVITEBRIDGE_DSN=postgres://CANARY:CANARY@db.example/invites?max_conns=0"}, code: exitUsage, errs: "dsn: pgstore: the DSN is invalid: max_conns must be a number"},
		{name: "compact a database", args: []string{"store", "compact", "-c", good}, environ: []string{"INVITEBRIDGE_DSN=postgres://u:CANARY@db.example/invites"}, code: exitUsage, errs: "dsn is a database and has no store file"},
		{name: "no directory for a socket", args: []string{"config", "check", "--dev"}, environ: []string{"INVITEBRIDGE_SERVE_PUBLIC_HOST=unix:" + dir + "/none/x.sock"}, code: exitUsage, errs: "serve.public.host: there is no directory for the socket"},
		{name: "a file for a socket", args: []string{"config", "check", "--dev"}, environ: []string{"INVITEBRIDGE_SERVE_PUBLIC_HOST=unix:" + good}, code: exitUsage, errs: "exists and is not a socket"},
		{name: "a file for the directory of a socket", args: []string{"config", "check", "--dev"}, environ: []string{"INVITEBRIDGE_SERVE_PUBLIC_HOST=unix:" + good + "/x.sock"}, code: exitUsage, errs: "serve.public.host: there is no directory for the socket"},
		{name: "no such owner of a socket", args: []string{"config", "check", "--dev"}, environ: []string{"INVITEBRIDGE_SERVE_ADMIN_HOST=unix:" + dir + "/x.sock", "INVITEBRIDGE_SERVE_ADMIN_SOCKET_GROUP=no-such-group"}, code: exitUsage, errs: "serve.admin.socket.group"},
		{name: "serve on an empty file", args: []string{"serve", "-c", onEmpty}, code: exitFailed, errs: empty},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errs := command(t, c.environ, c.args...)
			if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) {
				t.Errorf("code %d, out %q, err %q", code, out, errs)
			}
			if (code == exitOK) != (errs == "") || code != exitOK && out != "" {
				t.Errorf("results and errors are mixed: out %q, err %q", out, errs)
			}
			if strings.Contains(errs, "CANARY") {
				t.Error("a secret was printed")
			}
		})
	}
	if info, err := os.Stat(empty); err != nil || info.Size() != 0 {
		t.Errorf("the empty file was changed: %v", err)
	}
}

func TestServePortInUse(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	code, _, errs := command(t, []string{"INVITEBRIDGE_SERVE_PUBLIC_PORT=0", "INVITEBRIDGE_SERVE_ADMIN_PORT=" + port}, "serve", "--dev")
	if code != exitFailed || !strings.Contains(errs, "serve.admin") {
		t.Errorf("code %d: %s", code, errs)
	}
}

// TestServeDev: development mode needs no configuration and leaves no files.
func TestServeDev(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	log := newFollower()
	var out bytes.Buffer
	exit := make(chan int, 1)
	go func() {
		code := run(ctx, []string{"serve", "--dev"}, []string{"INVITEBRIDGE_SERVE_PUBLIC_PORT=0", "INVITEBRIDGE_SERVE_ADMIN_PORT=0"}, stdio{out: &out, err: log})
		log.close()
		exit <- code
	}()
	public, admin := log.address(t, "public"), log.address(t, "admin")
	if !strings.HasPrefix(public, "http://127.0.0.1:") || !strings.HasPrefix(admin, "http://127.0.0.1:") {
		t.Errorf("reachable from other machines: %s, %s", public, admin)
	}
	shown, found := strings.CutPrefix(strings.TrimSpace(out.String()), "API key: ")
	if !found {
		t.Errorf("no key: %q", out.String())
	}
	for k, want := range map[string]int{shown: http.StatusOK, "another": http.StatusUnauthorized} {
		if a, err := send(t.Context(), http.MethodGet, admin+base, nil, "Authorization", "Bearer "+k); err != nil || a.status != want {
			t.Errorf("%d, %v; want %d", a.status, err, want)
		}
	}
	cancel()
	if code := <-exit; code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if text := log.String(); !strings.Contains(text, `"level":"warning","msg":"development mode: not for production"`) || strings.Contains(text, shown) {
		t.Error(text)
	}
}

// TestLogFormat: levels have Kratos' names, and times are UTC.
func TestLogFormat(t *testing.T) {
	var out bytes.Buffer
	log, level := newLogger(&out, config.Log{Level: "error", Format: "json"})
	log.Warn("too early")
	level.Set(config.Log{Level: "trace"}.SlogLevel())
	log.Warn("m")
	log.Debug("m")
	if text := out.String(); !strings.Contains(text, `Z","level":"warning"`) || !strings.Contains(text, `"level":"debug"`) || strings.Contains(text, "early") {
		t.Error(text)
	}
}
