package kratostest

import (
	"os"
	"os/exec"
	"syscall"
)

// dieWithParent kills the child when this process exits for any reason, and
// puts it into its own process group, so that Ctrl-C reaches only the parent,
// which then stops the child.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// signalGroup signals the child and its descendants.
func signalGroup(p *os.Process, s syscall.Signal) { _ = syscall.Kill(-p.Pid, s) }

func terminate(p *os.Process) { signalGroup(p, syscall.SIGTERM) }
func kill(p *os.Process)      { signalGroup(p, syscall.SIGKILL) }
