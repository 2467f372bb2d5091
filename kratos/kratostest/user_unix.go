//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package kratostest

import (
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// runAs makes a command run as another user, which requires root.
func runAs(cmd *exec.Cmd, owner *user.User) error {
	uid, err := strconv.ParseUint(owner.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(owner.Gid, 10, 32)
	if err != nil {
		return err
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return nil
}
