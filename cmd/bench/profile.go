package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"invitebridge/bridge/testenv"
)

// profileVariable is that of cmd/invitebridge/serve_profile.go.
const profileVariable = "INVITEBRIDGE_CPU_PROFILE"

// profiled reports whether the bridges are built to record profiles.
func (o options) profiled() bool { return o.profile != "" }

// endProfile makes the bridge write its profile.
func (b *bridgeProcess) endProfile() error {
	if b.profile == "" {
		return nil
	}
	if err := b.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		return err
	}
	for deadline := time.Now().Add(testenv.Limit); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(b.profile); err == nil {
			return nil
		}
	}
	return errors.New("the bridge has not written its profile in time")
}

// mergeProfiles writes the sum of all profiles to one file.
func (b *bench) mergeProfiles(ctx context.Context) error {
	parts, err := filepath.Glob(filepath.Join(b.dir, "*.pprof"))
	if err != nil || len(parts) == 0 {
		return errors.Join(err, errors.New("no bridge has written a profile"))
	}
	args := append([]string{"tool", "pprof", "-proto", "-output", b.options.profile}, parts...)
	if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("merging the profiles: %w\n%s", err, out)
	}
	return nil
}
