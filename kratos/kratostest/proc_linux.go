package kratostest

import (
	"os"
	"os/exec"
	"syscall"
)

// tether makes the child die with this process, however it dies, and gives it
// a process group of its own: Ctrl-C is for the parent, which then stops it.
func tether(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// signalGroup reaches the child and whatever it started.
func signalGroup(p *os.Process, s syscall.Signal) { _ = syscall.Kill(-p.Pid, s) }

func terminate(p *os.Process) { signalGroup(p, syscall.SIGTERM) }
func kill(p *os.Process)      { signalGroup(p, syscall.SIGKILL) }
