package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"invitebridge/bridge/testenv"
)

const apiKey = "a-key-for-the-torture"

func build(ctx context.Context) (binary string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "invitebridge-torture-")
	if err != nil {
		return "", nil, err
	}
	binary = filepath.Join(dir, "invitebridge")
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "failpoints", "-o", binary, "invitebridge/cmd/invitebridge")
	if out, err := cmd.CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, fmt.Errorf("building the bridge: %w\n%s", err, out)
	}
	return binary, func() { _ = os.RemoveAll(dir) }, nil
}

// process is a bridge that is killed and restarted with the same sockets and store.
type process struct {
	binary, dir   string
	public, admin string // paths of unix sockets: another process can take a port while this one is down
	failpoint     string // path of the file that selects the failpoint
	log           *os.File
	cmd           *exec.Cmd
	ended         chan struct{} // closed when the process is gone
	stopping      atomic.Bool   // it was asked to end, and has not ended yet
	ahead         time.Duration // of its wall clock
}

// newProcess prepares a bridge whose store is a file of its own, unless a DSN is
// given.
func newProcess(binary, config, dsn string) (p *process, err error) {
	p = &process{binary: binary}
	if p.dir, err = os.MkdirTemp("", "invitebridge-torture-"); err != nil {
		return nil, err
	}
	p.public, p.admin, p.failpoint = p.file("public.sock"), p.file("admin.sock"), p.file("failpoint")
	if dsn == "" {
		dsn = "bolt://" + p.store()
	}
	p.log, err = os.Create(filepath.Join(p.dir, "log"))
	text := fmt.Sprintf(config, dsn, p.public, p.admin, apiKey)
	return p, errors.Join(err, p.arm(""), os.WriteFile(p.file("invitebridge.yml"), []byte(text), 0o600))
}

func (p *process) file(name string) string { return filepath.Join(p.dir, name) }
func (p *process) store() string           { return p.file("invites.db") }

// arm selects the failpoint at which the process will be killed; "" is none.
func (p *process) arm(point string) error {
	return os.WriteFile(p.failpoint, []byte(point), 0o600)
}

// migrate prepares the database.
func (p *process) migrate(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, p.binary, "migrate", "sql", "-c", p.file("invitebridge.yml"), "--yes").CombinedOutput()
	if err != nil {
		return fmt.Errorf("migrating the database: %w\n%s", err, out)
	}
	return nil
}

// start starts the process and returns when both listeners accept connections, or
// when the process was killed before that.
func (p *process) start(ctx context.Context) error {
	p.cmd = exec.CommandContext(ctx, p.binary, "serve", "-c", p.file("invitebridge.yml"))
	p.cmd.Env = append(os.Environ(), "INVITEBRIDGE_FAILPOINT_FILE="+p.failpoint, "INVITEBRIDGE_FAILPOINT_CLOCK="+p.ahead.String())
	p.cmd.Stderr = p.log
	if err := p.cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	p.ended = ended
	cmd := p.cmd
	go func() {
		_ = cmd.Wait() // usually it was killed
		close(ended)
	}()
	for deadline := time.Now().Add(testenv.Limit); !acceptsConnections(p.public) || !acceptsConnections(p.admin); {
		select {
		case <-p.ended:
			if code := p.cmd.ProcessState.ExitCode(); code != -1 {
				return fmt.Errorf("the bridge ended with exit code %d; its log is %s", code, p.log.Name())
			}
			return nil // killed
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return errors.New("the bridge did not start in time")
		}
	}
	return nil
}

// waitKilled waits for the process to be killed at its failpoint. If that does not
// happen in time, it kills the process and returns false.
func (p *process) waitKilled(within time.Duration) bool {
	select {
	case <-p.ended:
		return true
	case <-time.After(within):
		p.kill()
		return false
	}
}

func (p *process) kill() {
	if p.cmd == nil || p.cmd.Process == nil {
		return // it was never started
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// suspend stops the process until resume.
func (p *process) suspend() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }
func (p *process) resume() error  { return p.cmd.Process.Signal(syscall.SIGCONT) }

// suspended waits until all threads of the process are suspended.
func (p *process) suspended(within time.Duration) error {
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
		if err != nil {
			return err
		}
		if len(threads) > 0 && !slices.ContainsFunc(threads, isRunning) {
			return nil
		}
	}
	return errors.New("the process was not suspended")
}

func isRunning(thread string) bool {
	stat, err := os.ReadFile(thread)
	_, state, _ := bytes.Cut(stat, []byte(") "))
	return err == nil && !bytes.HasPrefix(state, []byte("T"))
}

// down is closed when the process has ended.
func (p *process) down() <-chan struct{} { return p.ended }

// exited reports whether the process has ended, or was never started.
func (p *process) exited() bool {
	if p.cmd == nil {
		return true
	}
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// files returns the paths of all that the process writes, and a text that each
// contains.
func (p *process) files(context.Context) (map[string]string, error) {
	return map[string]string{p.store(): "invitation_token_created", p.log.Name(): `"listening"`}, nil
}

func (p *process) remove() {
	_ = p.log.Close()
	_ = os.RemoveAll(p.dir)
}

func acceptsConnections(socket string) bool {
	c, err := net.Dial("unix", socket)
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}
