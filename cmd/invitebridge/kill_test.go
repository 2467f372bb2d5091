package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"invitebridge/kratos/kratostest"
)

// TestKill9 kills a real process at random moments under load, and starts it
// again: whatever was answered with 2xx is there, and nothing else was lost.
func TestKill9(t *testing.T) {
	kratos, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kratos.Close)
	p := newProcess(t, kratos.URL, "")
	acknowledged := &ledger{}
	for round := range 3 {
		p.start(t)
		ctx, cancel := context.WithCancel(t.Context())
		var clients sync.WaitGroup
		for c := range 50 {
			clients.Go(func() { p.load(ctx, fmt.Sprintf("r%dc%d", round, c), acknowledged) })
		}
		acknowledged.await(t, (round+1)*200)
		time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond) // the moment is to be a random one
		p.kill(t)
		cancel()
		clients.Wait()
	}
	p.start(t)
	for id, state := range acknowledged.states {
		a, err := send(t.Context(), http.MethodGet, p.admin+base+"/"+id, nil, "Authorization", "Bearer "+key)
		if err != nil || a.status != http.StatusOK || state == "accepted" && a.body["state"] != state {
			t.Fatalf("acknowledged as %s, and now %d %s, %v", state, a.status, a.text, err)
		}
	}
	t.Logf("%d invitations were acknowledged, none is lost", len(acknowledged.states))
	p.kill(t)
}

// ledger keeps what was answered with 2xx: invitations by id, and their state.
type ledger struct {
	mu     sync.Mutex
	states map[string]string
}

func (l *ledger) note(id, state string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.states == nil {
		l.states = make(map[string]string)
	}
	l.states[id] = state
}

func (l *ledger) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.states)
}

func (l *ledger) await(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); l.len() < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("only %d were acknowledged", l.len())
		}
	}
}

// process is the built program with a store that outlives it.
type process struct {
	binary, file, public, admin string
	cmd                         *exec.Cmd
	wrap                        func(args ...string) *exec.Cmd // nil: it is run as it is
}

func newProcess(t *testing.T, kratos, more string) *process {
	t.Helper()
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
kratos: { admin_url: %s, schema_id: %s }
selfservice: { methods: { password: { config: { haveibeenpwned_enabled: false } } } }
%s
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
	_ = p.cmd.Wait() // it says "killed", of course
}

// load invites and accepts until the process is gone.
func (p *process) load(ctx context.Context, name string, l *ledger) {
	for i := 0; ctx.Err() == nil; i++ {
		email := fmt.Sprintf("%s.%d@example.com", name, i)
		a, err := send(ctx, http.MethodPost, p.admin+base+"/", object{"email": email}, "Authorization", "Bearer "+key)
		if err != nil || a.status != http.StatusCreated {
			return
		}
		l.note(a.body["id"].(string), "pending")
		b, err := send(ctx, http.MethodPost, p.public+base+"/"+token(a.body), object{"password": password})
		if err != nil || b.status != http.StatusOK {
			return
		}
		l.note(a.body["id"].(string), "accepted")
	}
}
