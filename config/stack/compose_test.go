//go:build docker

package stack_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// stack runs the services of docker-compose.yml under its own project name and on
// free ports.
type stack struct {
	t       *testing.T
	root    string   // of the repository
	program []string // Compose
	compose []string // the program, the project and the files
	project string
	environ []string

	public, admin, kratos, ui, mail string // base URLs
}

const (
	commandLimit = 8 * time.Minute // of one docker command; builds and pulls are slow
	healthLimit  = time.Minute
)

// newStack returns a stack that is not started yet. It is removed when the test
// ends.
func newStack(t *testing.T) *stack {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{t: t, root: root, program: composeCommand(t), environ: os.Environ()}
	for variable, url := range map[string]*string{"PUBLIC_PORT": &s.public, "ADMIN_PORT": &s.admin, "KRATOS_PORT": &s.kratos, "UI_PORT": &s.ui, "MAIL_PORT": &s.mail} {
		port := freePort(t)
		*url = "http://127.0.0.1:" + port
		s.environ = append(s.environ, variable+"="+port)
	}
	for _, url := range []*string{&s.kratos, &s.ui} { // as in docker-compose.yml
		*url = strings.Replace(*url, "127.0.0.1", "localhost", 1)
	}
	return s.withFiles(t, "", filepath.Join(root, "docker-compose.yml"))
}

// withFiles returns a stack of other Compose files with the same variables. The
// image that it builds is named after the project.
func (s *stack) withFiles(t *testing.T, name string, files ...string) *stack {
	other := *s
	other.t = t
	other.project = fmt.Sprintf("invitebridge-test-%d%s", os.Getpid(), name)
	other.environ = slices.Concat(s.environ, []string{"BRIDGE_IMAGE=" + other.project})
	other.compose = slices.Concat(s.program, []string{"-p", other.project})
	for _, file := range files {
		other.compose = append(other.compose, "-f", file)
	}
	t.Cleanup(other.remove)
	return &other
}

// composeCommand returns the command of Compose: the Docker plugin or the older
// standalone program. Without Docker or Compose it skips the test, or fails it if
// the environment has CI=true.
func composeCommand(t *testing.T) []string {
	t.Helper()
	missing := t.Skip
	if os.Getenv("CI") == "true" {
		missing = t.Fatal
	}
	if out, err := exec.Command("docker", "info").CombinedOutput(); err != nil {
		missing("no Docker engine is available: ", err, "\n", string(out))
	}
	for _, command := range [][]string{{"docker", "compose"}, {"docker-compose"}} {
		if exec.Command(command[0], append(command[1:], "version")...).Run() == nil {
			return command
		}
	}
	missing("neither docker compose nor docker-compose is installed")
	return nil
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// do runs a Compose command and returns its standard output.
func (s *stack) do(args ...string) string {
	s.t.Helper()
	out, err := s.try(slices.Concat(s.compose, args)...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// docker runs a docker command and returns its standard output.
func (s *stack) docker(args ...string) string {
	s.t.Helper()
	out, err := s.try(slices.Concat([]string{"docker"}, args)...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *stack) try(command ...string) (string, error) {
	// Not the test's context: the stack is removed after that has ended.
	ctx, cancel := context.WithTimeout(context.Background(), commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = s.environ
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", strings.Join(command, " "), err, &out, &errs)
	}
	return strings.TrimSpace(out.String()), nil
}

// container returns the container id of a service.
func (s *stack) container(service string) string {
	s.t.Helper()
	id := s.do("ps", "-q", service)
	if id == "" {
		s.t.Fatalf("%s has no container", service)
	}
	return id
}

// inspect returns a property of a container or an image.
func (s *stack) inspect(id, format string) string {
	s.t.Helper()
	return s.docker("inspect", "-f", format, id)
}

// awaitHealthy waits until the engine reports the service as healthy, by the health
// check of its image.
func (s *stack) awaitHealthy(service string) {
	s.t.Helper()
	id := s.container(service)
	for begin := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		health := s.inspect(id, "{{.State.Health.Status}}")
		if health == "healthy" {
			return
		}
		if time.Since(begin) > healthLimit {
			s.t.Fatalf("%s is %s: %s", service, health, s.inspect(id, "{{json .State.Health.Log}}"))
		}
	}
}

// apiKey returns the key that the bridge printed at its last start.
func (s *stack) apiKey() string {
	s.t.Helper()
	const mark = "API key: "
	logs := s.do("logs", "--no-color", "invitebridge")
	at := strings.LastIndex(logs, mark)
	if at < 0 {
		s.t.Fatalf("no API key was printed:\n%s", logs)
	}
	key, _, _ := strings.Cut(logs[at+len(mark):], "\n")
	return strings.TrimSpace(key)
}

// remove removes the stack, its volumes and the image that it built, and checks that
// nothing is left. Images of the build stage stay for a day, for the next run.
func (s *stack) remove() {
	if s.t.Failed() {
		logs, _ := s.try(slices.Concat(s.compose, []string{"logs", "--no-color"})...)
		s.t.Log(logs)
	}
	if _, err := s.try(slices.Concat(s.compose, []string{"down", "-v", "--remove-orphans", "--rmi", "local", "-t", "10"})...); err != nil {
		s.t.Error(err)
	}
	if _, err := s.try("docker", "rmi", s.project); err != nil && !strings.Contains(err.Error(), "No such image") {
		s.t.Error(err)
	}
	if _, err := s.try("docker", "image", "prune", "-f", "--filter", "label=invitebridge=build", "--filter", "until=24h"); err != nil {
		s.t.Error(err)
	}
	for _, list := range [][]string{{"ps", "-aq"}, {"volume", "ls", "-q"}, {"network", "ls", "-q"}} {
		left, err := s.try(slices.Concat([]string{"docker"}, list, []string{"--filter", "label=com.docker.compose.project=" + s.project})...)
		if err != nil || left != "" {
			s.t.Errorf("docker %s: left behind: %s %v", list[0], left, err)
		}
	}
}
