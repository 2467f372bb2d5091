//go:build docker

package stack_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadme runs the README's Docker chapter as it is written, on the ports that it
// names. Between its blocks it does what the reader does.
func TestReadme(t *testing.T) {
	s := newStack(t)
	s.public, s.admin, s.kratos = "http://127.0.0.1:4488", "http://127.0.0.1:4489", "http://localhost:4433"
	s.ui, s.mail = "http://localhost:4455", "http://127.0.0.1:8025"
	s.environ = append(os.Environ(), "COMPOSE_PROJECT_NAME="+s.project, "BRIDGE_IMAGE="+s.project, "PATH="+s.withCompose()+":"+os.Getenv("PATH"))
	s.chooseImages()

	blocks := s.guide("README.md", "### With Docker")
	if len(blocks) != 2 {
		t.Fatalf("%d blocks", len(blocks))
	}
	if out := s.runShell(blocks[0]); !strings.Contains(out, `"invitation_token"`) {
		t.Errorf("up and invite: %s", out)
	}
	s.accept(s.linkInEmail(email))
	s.runShell(blocks[1])
}

// runShell runs lines of the README in a shell and returns their output.
func (s *stack) runShell(lines string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "bash", "-euo", "pipefail", "-c", lines)
	cmd.Dir, cmd.Env = s.root, s.environ
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s\n%v\n%s", lines, err, out)
	}
	return string(out)
}

// withCompose returns a directory for PATH in which "docker compose" works even if
// only the older docker-compose is installed.
func (s *stack) withCompose() string {
	dir := s.t.TempDir()
	if len(s.program) == 2 {
		return dir
	}
	docker, err := exec.LookPath("docker")
	if err != nil {
		s.t.Fatal(err)
	}
	script := "#!/bin/sh\nif [ \"$1\" = compose ]; then shift; exec " + s.program[0] + " \"$@\"; fi\nexec " + docker + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o755); err != nil {
		s.t.Fatal(err)
	}
	return dir
}
