//go:build !linux

package kratostest

import (
	"os"
	"os/exec"
)

// tether does nothing where a child cannot be tied to its parent's life: there,
// a parent that is killed leaves Kratos running.
func tether(*exec.Cmd) {}

func terminate(p *os.Process) { _ = p.Signal(os.Interrupt) }
func kill(p *os.Process)      { _ = p.Kill() }
