package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

// process is the built program with a store that survives restarts.
type process struct {
	binary, file, public, admin string
	cmd                         *exec.Cmd
	wrap                        func(args ...string) *exec.Cmd // nil: run directly
}

func newProcess(t *testing.T, kratos, more string) *process {
	t.Helper()
	testenv.SkipIfShort(t, "the built program")
	dir := t.TempDir()
	p := &process{binary: filepath.Join(dir, "invitebridge"), file: filepath.Join(dir, "invitebridge.yml")}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", p.binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text := fmt.Sprintf(`
dsn: bolt://%s/invites.db
serve:
  public: { host: 127.0.0.1, port: 0, rate_limit: { requests: 0 } }
  admin: { host: 127.0.0.1, port: 0, api_keys: [ { name: tests, key: %s } ] }
kratos: { admin_url: %[3]s, public_url: %[3]s, schema_id: %[4]s }
selfservice: { methods: { password: { config: { haveibeenpwned_enabled: false } } } }
%[5]s
`, dir, key, kratos, kratostest.DefaultSchema, more)
	if err := os.WriteFile(p.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) start(t *testing.T) {
	t.Helper()
	log := newFollower()
	run := p.wrap
	if run == nil {
		run = func(args ...string) *exec.Cmd { return exec.Command(args[0], args[1:]...) }
	}
	p.cmd = run(p.binary, "serve", "-c", p.file)
	p.cmd.Stderr = log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	p.public, p.admin = log.address(t, "public"), log.address(t, "admin")
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait() // always "signal: killed"
}

func (p *process) send(t *testing.T, method, url string, body any) answer {
	t.Helper()
	a, err := send(t.Context(), method, url, body, "Authorization", "Bearer "+key)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (p *process) invite(t *testing.T, i int) answer {
	t.Helper()
	return p.send(t, http.MethodPost, p.admin+base+"/", object{"email": fmt.Sprintf("u%d@example.com", i)})
}

func (p *process) ready(t *testing.T) int {
	t.Helper()
	return p.send(t, http.MethodGet, p.public+"/health/ready", nil).status
}
