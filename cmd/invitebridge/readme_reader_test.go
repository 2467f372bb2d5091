package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"invitebridge/bridge/testenv"
)

// reader runs the commands of the documentation in a copy of the source. Each call
// is a new shell with the variables that earlier ones set.
type reader struct {
	t    *testing.T // of the chapter
	book *testing.T // of all chapters
	dir  string
	stop func() // stops the bridge
}

func newReader(t *testing.T) *reader {
	t.Helper()
	testenv.SkipIfShort(t, "a shell that follows the README")
	n := &reader{t: t, book: t, dir: t.TempDir(), stop: func() {}}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", `cd ../.. && git ls-files -co --exclude-standard -z | tar -c --null -T - | tar -x -C "$0"`, n.dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	n.write("variables", "export PATH='"+os.Getenv("PATH")+"'\n")
	return n
}

func (n *reader) write(name, text string) {
	n.t.Helper()
	if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o600); err != nil {
		n.t.Fatal(err)
	}
}

// prelude keeps all variables between shells.
const prelude = "set -aeuo pipefail\ncd '%[1]s'\n. ./variables\n%[2]s\nexport -p > variables\n"

// compileLimit bounds what may build everything first, Kratos too, with nothing in
// the caches and all other tests beside it.
const compileLimit = 15 * time.Minute

// types runs lines and returns their output.
func (n *reader) types(lines ...string) string {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), compileLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", fmt.Sprintf(prelude, n.dir, strings.Join(lines, "\n")))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		n.t.Fatalf("%s\n%v\n%s%s", strings.Join(lines, "\n"), err, out, stderr.Bytes())
	}
	return string(out)
}

// starts runs a line that does not end by itself, and returns after it has printed
// until. stop ends it as Ctrl-C does.
func (n *reader) starts(line, until string) (said string, stop func()) {
	n.t.Helper()
	cmd := exec.Command("bash", "-c", fmt.Sprintf(prelude, n.dir, "exec "+line))
	out, err := os.Create(filepath.Join(n.dir, "said"))
	if err != nil {
		n.t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	stop = sync.OnceFunc(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); <-ended })
	n.t.Cleanup(stop) // a chapter that fails must not keep the ports of the next
	for deadline := time.Now().Add(compileLimit); ; {
		text, err := os.ReadFile(out.Name())
		if said = string(text); err != nil || strings.Contains(said, until) {
			return said, stop
		}
		select {
		case <-ended:
			n.t.Fatalf("%s has ended:\n%s", line, said)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("%s has not printed %q within %s:\n%s", line, until, compileLimit, said)
		}
	}
}
