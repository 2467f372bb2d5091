package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"invitebridge/kratos/kratostest"
)

// envNamespace says that the process has a network namespace of its own.
const envNamespace = "INVITEBRIDGE_TORTURE_NAMESPACE"

// drops is silences with a firewall that drops the packets: connections that it cuts
// go on later, if both ends still have them. It runs this command again in a network
// namespace of its own, so that the rules affect nothing else. That takes root.
func drops(ctx context.Context, o options) error {
	if os.Getenv(envNamespace) == "" {
		return inNamespace(ctx)
	}
	var network firewall
	o.postgres = nil // its network is cut
	l, err := newLoaded(ctx, o, func(_ context.Context, _ *kratostest.Postgres, dsn string) (string, error) {
		u, err := url.Parse(dsn)
		if err == nil {
			network.port = u.Port()
		}
		return dsn, err
	})
	if err != nil {
		return err
	}
	defer l.close()
	return l.silence(ctx, o, network)
}

// inNamespace runs this command in a network namespace that has nothing but loopback.
func inNamespace(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	script := `ip link set lo up && exec "$0" "$@"`
	cmd := exec.CommandContext(ctx, "unshare", append([]string{"--net", "sh", "-c", script, self}, os.Args[1:]...)...)
	cmd.Env = append(os.Environ(), envNamespace+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	return cmd.Run()
}

// firewall drops all packets from and to a port.
type firewall struct{ port string }

func (f firewall) silence(ctx context.Context) error {
	return nft(ctx, fmt.Sprintf(`table inet silence {
		chain input {
			type filter hook input priority 0
			tcp dport %[1]s drop
			tcp sport %[1]s drop
		}
	}`, f.port))
}

func (f firewall) resume(ctx context.Context) error { return nft(ctx, "delete table inet silence") }

func nft(ctx context.Context, rules string) error {
	cmd := exec.CommandContext(ctx, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w\n%s", err, out)
	}
	return nil
}
