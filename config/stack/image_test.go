//go:build docker

package stack_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"invitebridge/kratos/kratostest"
)

// compressedLimit is the maximum size of the image as pulled, in bytes.
const compressedLimit = 25 << 20

// image returns the id of the built image without starting anything.
func (s *stack) image() string {
	s.t.Helper()
	s.do("up", "--no-start", "--no-deps", "invitebridge")
	return s.inspect(s.do("ps", "-aq", "invitebridge"), "{{.Image}}")
}

func (s *stack) checkImage(image string) {
	size, err := strconv.ParseInt(s.inspect(image, "{{.Size}}"), 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	compressed := s.compressedSize(image)
	s.t.Logf("image: %.1f MB, compressed: %.1f MB", float64(size)/1e6, float64(compressed)/1e6)
	if compressed >= compressedLimit {
		s.t.Errorf("the compressed image has %d bytes, want less than %d", compressed, compressedLimit)
	}
	version, _, _ := strings.Cut(s.docker("run", "--rm", image, "version"), "\n")
	if label := s.inspect(image, `{{index .Config.Labels "org.opencontainers.image.version"}}`); version != label {
		s.t.Errorf("version prints %q, the label is %q", version, label)
	}
	// Without arguments the image runs serve, which refuses to start without a
	// configuration.
	if _, err := s.try("docker", "run", "--rm", image); err == nil || !strings.Contains(err.Error(), "serve.admin.api_keys") {
		s.t.Errorf("without a configuration: %v", err)
	}
}

// compressedSize returns about the size that a registry reports, which compresses
// each layer.
func (s *stack) compressedSize(image string) int64 {
	s.t.Helper()
	var count counter
	compressor := gzip.NewWriter(&count)
	cmd := exec.Command("docker", "save", image)
	cmd.Stdout = compressor
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("docker save: %v", err)
	}
	if err := compressor.Close(); err != nil {
		s.t.Fatal(err)
	}
	return int64(count)
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// checkContainers checks the running containers by what the engine reports.
func (s *stack) checkContainers() {
	bridge := s.container("invitebridge")
	for format, want := range map[string]string{
		"{{.Config.User}}":                     "65532:65532",
		"{{.HostConfig.ReadonlyRootfs}}":       "true",
		"{{.HostConfig.CapDrop}}":              "[ALL]",
		"{{.HostConfig.SecurityOpt}}":          "[no-new-privileges:true]",
		"{{.HostConfig.Privileged}}":           "false",
		"{{.State.Health.Status}}":             "healthy",
		"{{index .Config.Healthcheck.Test 0}}": "CMD", // no shell
	} {
		if got := s.inspect(bridge, format); got != want {
			s.t.Errorf("%s is %s, want %s", format, got, want)
		}
	}
	if users := strings.Fields(s.docker("top", bridge, "-eo", "uid,pid")); len(users) != 4 || users[2] != "65532" {
		s.t.Errorf("the processes in the container: %q", users)
	}
	canary := filepath.Join(s.t.TempDir(), "canary")
	if err := os.WriteFile(canary, nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.try("docker", "cp", canary, bridge+":/usr/canary"); err == nil || !strings.Contains(err.Error(), "read-only") {
		s.t.Errorf("writing to the root file system: %v", err)
	}
	for _, service := range []string{"kratos", "invitebridge", "mail", "ui"} {
		hosts := s.inspect(s.container(service), "{{range .HostConfig.PortBindings}}{{range .}}{{.HostIp}} {{end}}{{end}}")
		if hosts == "" || strings.Trim(strings.ReplaceAll(hosts, "127.0.0.1", ""), " ") != "" {
			s.t.Errorf("%s is published at %q", service, hosts)
		}
	}
}

// restart restarts the bridge's container and returns the time from its start until
// it is ready, measured through the published port.
func (s *stack) restart() time.Duration {
	s.t.Helper()
	bridge := s.container("invitebridge")
	s.do("stop", "invitebridge")
	if code := s.inspect(bridge, "{{.State.ExitCode}}"); code != "0" {
		s.t.Errorf("the bridge stopped with exit code %s, want 0", code)
	}
	ready := make(chan time.Time, 1)
	go func() { ready <- awaitReady(s.admin) }()
	s.do("start", "invitebridge")
	started, err := time.Parse(time.RFC3339Nano, s.inspect(bridge, "{{.State.StartedAt}}"))
	if err != nil {
		s.t.Fatal(err)
	}
	at := <-ready
	if at.IsZero() {
		s.t.Fatal("the bridge did not become ready")
	}
	return at.Sub(started)
}

// execToReady returns the time from starting the image's binary outside a container
// until it is ready, with a Kratos that responds at once.
func (s *stack) execToReady() time.Duration {
	s.t.Helper()
	if runtime.GOOS != "linux" {
		s.t.Logf("the binary of the image does not run on %s", runtime.GOOS)
		return 0
	}
	kratos, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	defer kratos.Close()
	dir := s.t.TempDir()
	s.docker("cp", s.container("invitebridge")+":/usr/bin/invitebridge", dir+"/invitebridge")
	port := freePort(s.t)
	cmd := exec.Command(dir+"/invitebridge", "serve", "--dev")
	cmd.Env = []string{
		"INVITEBRIDGE_KRATOS_ADMIN_URL=" + kratos.URL, "INVITEBRIDGE_DSN=bolt://" + dir + "/invites.db",
		"INVITEBRIDGE_SERVE_PUBLIC_PORT=0", "INVITEBRIDGE_SERVE_ADMIN_PORT=" + port,
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	at := awaitReady("http://127.0.0.1:" + port)
	_ = cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil || at.IsZero() {
		s.t.Fatalf("the binary of the image: %v", err)
	}
	return at.Sub(begin)
}

// awaitReady returns when the listener reported readiness, or zero if it did not
// within a minute. It polls every two milliseconds, the precision of the figures.
func awaitReady(listener string) time.Time {
	client := http.Client{Timeout: 5 * time.Second}
	for begin := time.Now(); time.Since(begin) < healthLimit; time.Sleep(2 * time.Millisecond) {
		res, err := client.Get(listener + "/health/ready")
		if err != nil {
			continue
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return time.Now()
		}
	}
	return time.Time{}
}
