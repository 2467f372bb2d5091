// Package docs contains only tests. They check and run the examples in the guides.
package docs

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"invitebridge/bridge/testenv"
)

// tool returns the path of a program that a guide covers. It skips the test if the
// program is not installed.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(err)
	}
	return path
}

// build builds the bridge and returns the path of the binary.
func build(t *testing.T) string {
	t.Helper()
	testenv.SkipIfShort(t, "the built program")
	binary := filepath.Join(t.TempDir(), "invitebridge")
	command := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../cmd/invitebridge")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// replaced returns a file with replacements for this test, given as pairs of old
// and new text. The test fails if an old text does not occur.
func replaced(t *testing.T, file string, pairs ...string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%s does not contain %q", file, pairs[i])
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func write(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// start runs a program until stop is called, or the test ends.
func start(t *testing.T, out *os.File, name string, args ...string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, name, args...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.Stdout, command.Stderr = out, out
	command.Env = append(os.Environ(), "XDG_DATA_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
	if err := command.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	stop = func() { cancel(); _ = command.Wait() }
	t.Cleanup(stop)
	return stop
}
