//go:build docker

package release_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// debianImage is made once and stays for the next run.
const (
	debianSuite = "bookworm"
	debianImage = "invitebridge-standin/debian:" + debianSuite
)

// debian is a container that runs Debian, without a network.
type debian struct {
	t    *testing.T
	name string
}

// docker runs a command of docker and returns its output.
func docker(t *testing.T, args ...string) (string, error) {
	t.Helper()
	// Not the context of the test: it also cleans up.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("docker %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), err
}

// newDebian creates a container and starts it once files are in it.
func newDebian(t *testing.T, files map[string]string, command ...string) *debian {
	t.Helper()
	makeDebian(t)
	d := &debian{t, fmt.Sprintf("invitebridge-test-%d-%s", os.Getpid(), strings.ToLower(t.Name()))}
	args := []string{"create", "--name", d.name, "--network", "none", "--stop-signal", "SIGRTMIN+3", "--tmpfs", "/run"}
	d.must(append(append(args, permissions()...), append([]string{debianImage}, command...)...)...)
	t.Cleanup(func() {
		if _, err := docker(t, "rm", "-f", "-v", d.name); err != nil {
			t.Error(err)
		}
	})
	for path, source := range files {
		d.must("cp", source, d.name+":"+path)
	}
	d.must("start", d.name)
	return d
}

// permissions are what systemd and the sandbox of the unit need in a container.
func permissions() []string {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		// With version 2 of control groups, only a privileged container may write
		// to its own.
		return []string{"--privileged", "--cgroupns", "private"}
	}
	return []string{
		"--cgroupns", "private", "--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN", "--cap-add", "SYS_PTRACE",
		"--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--security-opt", "systempaths=unconfined",
	}
}

// makeDebian makes the image with debootstrap, from the mirror that apt uses here
// if this is a Debian.
func makeDebian(t *testing.T) {
	t.Helper()
	missing := t.Skip
	if os.Getenv("CI") == "true" {
		missing = t.Fatal
	}
	if _, err := docker(t, "info"); err != nil {
		missing(err)
	}
	if _, err := docker(t, "image", "inspect", debianImage); err == nil {
		return
	}
	if os.Getuid() != 0 {
		missing("debootstrap needs root")
	}
	root := t.TempDir()
	args := []string{"--variant=minbase", "--include=systemd,systemd-sysv,rpm,openrc", debianSuite, root}
	sites, _ := exec.Command("apt-get", "indextargets", "--format", "$(SITE)", "Origin: Debian", "Codename: "+debianSuite).Output()
	if site, _, found := strings.Cut(string(sites), "\n"); found {
		args = append(args, site)
	}
	if out, err := exec.Command("debootstrap", args...).CombinedOutput(); err != nil {
		t.Fatalf("debootstrap: %v\n%s", err, out)
	}
	archive := exec.Command("sh", "-c", `tar -C "$0" --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' -c . |
		docker import --change 'CMD ["/sbin/init"]' --change 'ENV container=docker' - "$1"`, root, debianImage)
	if out, err := archive.CombinedOutput(); err != nil {
		t.Fatalf("docker import: %v\n%s", err, out)
	}
}

func (d *debian) must(args ...string) string {
	d.t.Helper()
	out, err := docker(d.t, args...)
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// run runs a shell command in the container and fails the test if that fails.
func (d *debian) run(command string) string {
	d.t.Helper()
	return d.must("exec", d.name, "sh", "-ec", command)
}

// try runs a shell command in the container, which may fail, and returns its output.
func (d *debian) try(command string) string {
	out, _ := docker(d.t, "exec", d.name, "sh", "-c", command)
	return out
}

// expect compares the output of a shell command.
func (d *debian) expect(command, want string) {
	d.t.Helper()
	if got := d.try(command); got != want {
		d.t.Errorf("%s: %q, want %q", command, got, want)
	}
}

// await waits until a shell command succeeds. What it waits for is in another
// process of the container, so it has to ask again and again.
func (d *debian) await(command string) {
	d.t.Helper()
	var last error
	for begin := time.Now(); time.Since(begin) < 2*time.Minute; time.Sleep(200 * time.Millisecond) {
		if _, last = docker(d.t, "exec", d.name, "sh", "-ec", command); last == nil {
			return
		}
	}
	d.t.Fatal(last)
}

func (d *debian) write(path, text string) {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), "docker", "exec", "-i", d.name, "sh", "-c", `cat >"$0"`, path)
	cmd.Stdin = bytes.NewBufferString(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("%s: %v\n%s", path, err, out)
	}
}

// built returns the one file of dist/ that matches.
func built(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob("../../dist/" + pattern)
	if err != nil || len(found) != 1 {
		t.Fatalf("dist/%s: %q, %v; run make snapshot", pattern, found, err)
	}
	return found[0]
}
