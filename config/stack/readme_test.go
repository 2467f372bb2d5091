//go:build docker

package stack_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadme types the Docker chapter of the README as it stands, at the ports
// that it names; between its blocks it does what a person does.
func TestReadme(t *testing.T) {
	s := newStack(t)
	s.public, s.admin, s.kratos = "http://127.0.0.1:4488", "http://127.0.0.1:4489", "http://127.0.0.1:4433"
	s.ui, s.mail = "http://127.0.0.1:4455", "http://127.0.0.1:8025"
	s.environ = append(os.Environ(), "COMPOSE_PROJECT_NAME="+s.project, "PATH="+s.withCompose()+":"+os.Getenv("PATH"))
	s.chooseImages()

	text, err := os.ReadFile(filepath.Join(s.root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, _ := strings.Cut(string(text), "\n### With Docker\n")
	chapter, _, _ = strings.Cut(chapter, "\n### ")
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(chapter, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d blocks", len(blocks))
	}
	if said := s.types(blocks[0][1]); !strings.Contains(said, `"invitation_token"`) {
		t.Errorf("up and invite: %s", said)
	}
	s.accept(s.linkInMail())
	s.types(blocks[1][1])
}

func (s *stack) types(lines string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "bash", "-euo", "pipefail", "-c", lines)
	cmd.Dir, cmd.Env = s.root, s.environ
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s\n%v\n%s", lines, err, out)
	}
	return string(out)
}

// withCompose gives a directory in which docker knows compose, where only the
// older program does.
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
