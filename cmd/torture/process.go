package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
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

// process is a bridge that is killed and started again, at the same ports and
// with the same store.
type process struct {
	binary, dir   string
	public, admin string // addresses
	log           *os.File
	cmd           *exec.Cmd
	ended         chan struct{} // closed when the process is gone
}

func newProcess(binary, config string) (p *process, err error) {
	p = &process{binary: binary}
	if p.dir, err = os.MkdirTemp("", "invitebridge-torture-"); err != nil {
		return nil, err
	}
	var publicErr, adminErr error
	p.public, publicErr = freeAddress()
	p.admin, adminErr = freeAddress()
	p.log, err = os.Create(filepath.Join(p.dir, "log"))
	text := fmt.Sprintf(config, p.store(), port(p.public), port(p.admin), apiKey)
	return p, errors.Join(err, publicErr, adminErr, p.arm(""), os.WriteFile(p.file("invitebridge.yml"), []byte(text), 0o600))
}

func (p *process) file(name string) string { return filepath.Join(p.dir, name) }
func (p *process) store() string           { return p.file("invites.db") }

// arm says where the process is to be killed; "": nowhere.
func (p *process) arm(point string) error {
	return os.WriteFile(p.file("failpoint"), []byte(point), 0o600)
}

// start returns when both listeners answer, or the process has been killed
// before.
func (p *process) start(ctx context.Context) error {
	p.cmd = exec.CommandContext(ctx, p.binary, "serve", "-c", p.file("invitebridge.yml"))
	p.cmd.Env = append(os.Environ(), "INVITEBRIDGE_FAILPOINT_FILE="+p.file("failpoint"))
	p.cmd.Stderr = p.log
	if err := p.cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	p.ended = ended
	cmd := p.cmd
	go func() {
		_ = cmd.Wait() // it was killed, most often
		close(ended)
	}()
	for deadline := time.Now().Add(20 * time.Second); !answers(p.public) || !answers(p.admin); {
		select {
		case <-p.ended:
			if code := p.cmd.ProcessState.ExitCode(); code != -1 {
				return fmt.Errorf("the bridge ended with exit code %d; its log is %s", code, p.log.Name())
			}
			return nil // killed
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return errors.New("the bridge does not answer")
		}
	}
	return nil
}

// dies waits for the process to be killed; false: it was not, and is now.
func (p *process) dies(within time.Duration) bool {
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
		return // it could not be started
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// suspend stops the process in the middle of whatever it does, until resume.
func (p *process) suspend() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }
func (p *process) resume() error  { return p.cmd.Process.Signal(syscall.SIGCONT) }

// suspended waits until each thread of the process is.
func (p *process) suspended(within time.Duration) error {
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
		if err != nil {
			return err
		}
		if len(threads) > 0 && !slices.ContainsFunc(threads, runs) {
			return nil
		}
	}
	return errors.New("the process was not suspended")
}

func runs(thread string) bool {
	stat, err := os.ReadFile(thread)
	_, state, _ := bytes.Cut(stat, []byte(") "))
	return err == nil && !bytes.HasPrefix(state, []byte("T"))
}

// gone says whether the process is dead.
func (p *process) gone() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

func (p *process) remove() {
	_ = p.log.Close()
	_ = os.RemoveAll(p.dir)
}

func answers(address string) bool {
	c, err := net.Dial("tcp", address)
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}

// lastPort was given last. Ports are below those that the system hands out to
// clients, who would take one while its bridge is dead, and no two are the same.
var lastPort atomic.Int32

func init() { lastPort.Store(20_000 + rand.Int32N(8_000)) } // several of these programs may run

func freeAddress() (string, error) {
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", lastPort.Add(1))
		if l, err := net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", errors.New("no port is free")
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
