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
	cmd  *exec.Cmd
	said *tail
	done chan struct{} // closed when the child is gone
	err  error         // of its end; to be read after done
	stop sync.Once
}

func startProcess(log io.Writer, env []string, name string, args ...string) (*process, error) {
	return startProcessAs(nil, "", log, env, name, args...)
}

// startProcessAs starts a child in a directory, as another user if one is given.
func startProcessAs(owner *user.User, dir string, log io.Writer, env []string, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(name, args...), said: &tail{}, done: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir = env, dir
	p.cmd.Stdout = io.MultiWriter(p.said, log)
	p.cmd.Stderr = p.cmd.Stdout
	p.cmd.WaitDelay = time.Second
	tether(p.cmd)
	if owner != nil {
		if err := become(p.cmd, owner); err != nil {
			return nil, err
		}
	}
	started := make(chan error)
	go func() {
		// Linux ties a child to the thread that started it, not to the
		// process; so that thread must stay for as long as the child does.
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

// wait waits for the child's end; if ctx ends first, the child is killed.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.end()
	case <-ctx.Done():
		kill(p.cmd.Process)
		<-p.done
		return ctx.Err()
	}
}

// end tells why the child ended, with its last words.
func (p *process) end() error {
	if p.err == nil {
		return nil
	}
	return fmt.Errorf("%w\n%s", p.err, p.said)
}

var errExited = errors.New("the server ended by itself")

// close asks the child to end, then makes it, and waits until it is gone. The
// error says that it had gone before.
func (p *process) close() (err error) {
	p.stop.Do(func() {
		select {
		case <-p.done:
			err = fmt.Errorf("%w: %w", errExited, p.end())
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
