package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"invitebridge/bridge/testenv"
)

const (
	base   = "/api/v1/invite"
	apiKey = "a-key-for-the-benchmark"
)

// buildBridge builds the bridge with the flags of make build, and tags.
func buildBridge(ctx context.Context, dir, tags string) (binary string, err error) {
	binary = filepath.Join(dir, "invitebridge")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", tags, "-ldflags", "-s -w", "-o", binary, "invitebridge/cmd/invitebridge")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the bridge: %w\n%s", err, out)
	}
	return binary, nil
}

// bridgeProcess is "invitebridge serve".
type bridgeProcess struct {
	public, admin string // URLs
	log, profile  string // files; no profile: ""
	cmd           *exec.Cmd
	args          []string
	ended         chan struct{} // closed when the process is gone
}

const bridgeConfig = `
dsn: %s
serve:
  public: { host: 127.0.0.1, port: %s, base_url: "http://127.0.0.1:%[2]s", rate_limit: { requests: 0 } }
  admin: { host: 127.0.0.1, port: %s, api_keys: [ { name: bench, key: %s } ] }
kratos: { public_url: "%s", admin_url: "%s" }
selfservice: { methods: { password: { config: { haveibeenpwned_enabled: false } } } }
`

// newBridge prepares a bridge with the DSN of a store, or "" for a new file, and extra
// lines of configuration.
func (s *stage) newBridge(k *kratosServer, dsn, lines string) (*bridgeProcess, error) {
	dir, err := os.MkdirTemp(s.bench.dir, "bridge-")
	if err != nil {
		return nil, err
	}
	dsn = cmp.Or(dsn, boltScheme+filepath.Join(dir, "invites.db"))
	b := &bridgeProcess{log: filepath.Join(dir, "log")}
	public, publicErr := freePort()
	admin, adminErr := freePort()
	if err := errors.Join(publicErr, adminErr); err != nil {
		return nil, err
	}
	b.public, b.admin = "http://127.0.0.1:"+public, "http://127.0.0.1:"+admin
	file := filepath.Join(dir, "invitebridge.yml")
	text := fmt.Sprintf(bridgeConfig, dsn, public, admin, apiKey, k.public, k.admin) + lines
	b.args = []string{s.bench.binary, "serve", "-c", file}
	if s.bench.options.profiled() {
		b.profile = dir + ".pprof"
	}
	s.atEnd(func() error { return os.RemoveAll(dir) })
	return b, os.WriteFile(file, []byte(text), 0o600)
}

// startBridge starts a bridge with a new store and returns once it is ready.
func (s *stage) startBridge(ctx context.Context, k *kratosServer, lines string) (*bridgeProcess, error) {
	return s.startBridgeOn(ctx, k, "", lines)
}

// startBridgeOn does the same with an existing store.
func (s *stage) startBridgeOn(ctx context.Context, k *kratosServer, dsn, lines string) (*bridgeProcess, error) {
	b, err := s.newBridge(k, dsn, lines)
	if err != nil {
		return nil, err
	}
	s.atEnd(b.stop)
	return b, b.start(ctx)
}

// start starts the process and returns once it is ready.
func (b *bridgeProcess) start(ctx context.Context) error {
	_ = os.Remove(b.profile) // of the start before
	log, err := os.OpenFile(b.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd, ended := exec.Command(b.args[0], b.args[1:]...), make(chan struct{})
	cmd.Stderr = log
	cmd.Env = append(os.Environ(), profileVariable+"="+b.profile)
	if err := cmd.Start(); err != nil {
		return err
	}
	b.cmd, b.ended = cmd, ended
	go func() {
		_ = cmd.Wait() // stop reports the exit code
		close(ended)
	}()
	ready := request{method: http.MethodGet, url: b.admin + "/health/ready", want: http.StatusOK}
	for deadline := time.Now().Add(testenv.Limit); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, err := ready.send(ctx, ""); err == nil {
			return nil
		}
		select {
		case <-ended:
			text, _ := os.ReadFile(b.log)
			return fmt.Errorf("the bridge exited with code %d: %s", cmd.ProcessState.ExitCode(), text)
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
	}
	return errors.New("the bridge is not ready in time")
}

func (b *bridgeProcess) pid() int { return b.cmd.Process.Pid }

// stop stops the process, if it runs, and waits for its exit.
func (b *bridgeProcess) stop() error {
	if b.cmd == nil {
		return nil
	}
	if err := b.endProfile(); err != nil {
		return err
	}
	_ = b.cmd.Process.Signal(syscall.SIGTERM) // it may have exited
	select {
	case <-b.ended:
	case <-time.After(testenv.Limit):
		_ = b.cmd.Process.Kill()
		<-b.ended
	}
	code := b.cmd.ProcessState.ExitCode()
	b.cmd = nil
	if code != 0 {
		text, _ := os.ReadFile(b.log)
		return fmt.Errorf("the bridge exited with code %d: %s", code, text[max(0, len(text)-2000):])
	}
	return nil
}

func (b *bridgeProcess) metrics(ctx context.Context) ([]byte, error) {
	return request{method: http.MethodGet, url: b.admin + "/metrics/prometheus", key: apiKey, want: http.StatusOK}.send(ctx, "")
}

// freePort returns a free port below the system's ephemeral range.
func freePort() (string, error) {
	for range 1000 {
		port := strconv.Itoa(20_000 + rand.IntN(12_000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			return port, l.Close()
		}
	}
	return "", errors.New("no port is free")
}
