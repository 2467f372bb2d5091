package kratostest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"os/user"
	"runtime"
	"sync"
	"time"
)

const stopGrace = 5 * time.Second

func randomPort() int { return 20000 + rand.N(12000) }

// process is a child that does not outlive this process.
type process struct {
	cmd    *exec.Cmd
	output *tail
	done   chan struct{} // closed when the child has exited
	err    error         // of its exit; read only after done
	stop   sync.Once
}

func startProcess(log io.Writer, env []string, name string, args ...string) (*process, error) {
	return startProcessAs(nil, "", log, env, name, args...)
}

// startProcessAs starts a child in a directory, as owner if not nil.
func startProcessAs(owner *user.User, dir string, log io.Writer, env []string, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(name, args...), output: &tail{}, done: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir = env, dir
	p.cmd.Stdout = io.MultiWriter(p.output, log)
	p.cmd.Stderr = p.cmd.Stdout
	p.cmd.WaitDelay = time.Second
	dieWithParent(p.cmd)
	if owner != nil {
		if err := runAs(p.cmd, owner); err != nil {
			return nil, err
		}
	}
	started := make(chan error)
	go func() {
		// Linux ties a child to the thread that started it, not to the process,
		// so that thread must live as long as the child.
		runtime.LockOSThread()
		defer close(p.done)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// wait waits for the child to exit; if ctx ends first, it kills the child.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.exitError()
	case <-ctx.Done():
		kill(p.cmd.Process)
		<-p.done
		return ctx.Err()
	}
}

// exitError returns the reason for the child's exit, with the end of its
// output.
func (p *process) exitError() error {
	if p.err == nil {
		return nil
	}
	return fmt.Errorf("%w\n%s", p.err, p.output)
}

var errExited = errors.New("the server exited unexpectedly")

// close terminates the child, kills it after stopGrace, and waits for it to
// exit. It returns an error if the child had exited before.
func (p *process) close() (err error) {
	p.stop.Do(func() {
		select {
		case <-p.done:
			err = fmt.Errorf("%w: %w", errExited, p.exitError())
			return
		default:
		}
		terminate(p.cmd.Process)
		select {
		case <-p.done:
		case <-time.After(stopGrace):
			kill(p.cmd.Process)
			<-p.done
		}
	})
	<-p.done
	return err
}
