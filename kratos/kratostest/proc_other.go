//go:build !linux

package kratostest

import (
	"os"
	"os/exec"
)

// dieWithParent does nothing on systems that cannot tie a child to its parent:
// there, a killed parent leaves Kratos running.
func dieWithParent(*exec.Cmd) {}

func terminate(p *os.Process) { _ = p.Signal(os.Interrupt) }
func kill(p *os.Process)      { _ = p.Kill() }
