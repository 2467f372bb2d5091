//go:build docker

package stack_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestReplicas runs two bridges on PostgreSQL with the commands of the guide, on free
// ports, and stops each of them once while an invitation is under way.
func TestReplicas(t *testing.T) {
	single := newStack(t)
	single.chooseImages()
	s := single.withFiles(t, "-replicas", filepath.Join(single.root, "docker-compose.yml"), filepath.Join(single.root, "docker-compose.postgres.yml"))
	if out, err := s.try(slices.Concat(s.compose, []string{"config"})...); err == nil {
		t.Errorf("it is valid without an API key and a password:\n%s", out)
	}
	s.setenv("COMPOSE_PROJECT_NAME", s.project)
	s.setenv("PATH", s.withCompose()+":"+os.Getenv("PATH"))
	s.setenv("API_KEY", "unused")
	s.setenv("POSTGRES_PASSWORD", "unused")
	s.chooseReplicaImages()
	blocks := s.guide("docs/postgresql.md", "### On one machine")
	if len(blocks) != 2 {
		t.Fatalf("%d blocks", len(blocks))
	}

	begin := time.Now()
	out := s.runShell(strings.Replace(blocks[0], "http://127.0.0.1:4489", s.admin, 1) + "echo; echo EXPORTED $API_KEY $POSTGRES_PASSWORD $COMPOSE_FILE")
	exported := regexp.MustCompile(`EXPORTED (\w{64}) (\w{64}) (\S+)`).FindStringSubmatch(out)
	if exported == nil || !strings.Contains(out, `"invitation_token"`) {
		t.Fatalf("up and invite: %s", out)
	}
	key, databasePassword := exported[1], exported[2]
	s.setenv("API_KEY", key)
	s.setenv("POSTGRES_PASSWORD", databasePassword)
	s.setenv("COMPOSE_FILE", exported[3])
	t.Logf("up and invited after %s", time.Since(begin).Round(time.Second))
	address := regexp.MustCompile(`"id":\s*"([0-9a-f-]{36})"`).FindStringSubmatch(out)
	if address == nil {
		t.Fatal(out)
	}
	var i invitation
	admin, link := s.admin+base+"/"+address[1], s.linkInEmail(email)
	public := s.public + base + link[strings.LastIndex(link, "/"):]

	s.stopDuring("invitebridge-1", public, "")
	s.acceptByAPI(public)
	s.do("start", "invitebridge-1")
	s.awaitHealthy("invitebridge-1")
	s.stopDuring("invitebridge-2", admin, key)
	s.send(http.MethodGet, admin, key, nil, &i, http.StatusOK)
	for range 10 { // whichever replica the proxy tries first
		s.send(http.MethodPost, public, "", map[string]any{"password": password}, nil, http.StatusGone)
	}
	if i.State != "accepted" {
		t.Errorf("the invitation is %q, want accepted", i.State)
	}

	s.invite(another, key)
	s.acceptAnotherWay(s.linkInEmail(another))

	logs := s.do("logs", "--no-color")
	for _, secret := range []string{key, databasePassword, password, link[strings.LastIndex(link, "/")+1:]} {
		if strings.Contains(logs, secret) {
			t.Errorf("a log contains %q", secret)
		}
	}
	s.runShell(blocks[1])
}

// stopDuring stops a service while it sends GET requests, one after another, and
// fails the test if one of them fails.
func (s *stack) stopDuring(service, url, key string) {
	s.t.Helper()
	stopped := make(chan error, 1)
	go func() {
		_, err := s.try(slices.Concat(s.compose, []string{"stop", service})...)
		stopped <- err
	}()
	requests, left := 0, 20
	for ; left > 0; requests++ {
		s.send(http.MethodGet, url, key, nil, nil, http.StatusOK)
		select {
		case err := <-stopped:
			if err != nil {
				s.t.Fatal(err)
			}
			stopped = nil
		default:
		}
		if stopped == nil {
			left--
		}
	}
	if code := s.inspect(s.do("ps", "-aq", service), "{{.State.ExitCode}}"); code != "0" {
		s.t.Errorf("%s stopped with exit code %s, want 0", service, code)
	}
	s.t.Logf("%d requests while %s was stopped", requests, service)
}

// acceptByAPI accepts an invitation. While Kratos does not respond in time, as on a
// slow machine, it repeats that.
func (s *stack) acceptByAPI(url string) {
	s.t.Helper()
	client := http.Client{Timeout: 30 * time.Second}
	for begin := time.Now(); ; time.Sleep(5 * time.Second) { // the rate limit
		res, err := client.Post(url, "application/json", strings.NewReader(`{"password": "`+password+`"}`))
		if err != nil {
			s.t.Fatal(err)
		}
		answer, _ := io.ReadAll(res.Body)
		res.Body.Close()
		is := func(id string) bool { return strings.Contains(string(answer), id) }
		switch {
		case res.StatusCode == http.StatusOK || is("invitation_accepted"):
			return
		case !is("kratos_unavailable") && !is("accept_in_progress") || time.Since(begin) > healthLimit:
			s.t.Fatalf("accept: %d %s", res.StatusCode, answer)
		}
	}
}

// guide returns the shell blocks below a heading of a page.
func (s *stack) guide(page, heading string) (blocks []string) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.root, page))
	if err != nil {
		s.t.Fatal(err)
	}
	_, chapter, _ := strings.Cut(string(text), "\n"+heading+"\n")
	if end := regexp.MustCompile(`(?m)^##+ `).FindStringIndex(chapter); end != nil {
		chapter = chapter[:end[0]]
	}
	for _, found := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(chapter, -1) {
		blocks = append(blocks, found[1])
	}
	return blocks
}

func (s *stack) setenv(name, value string) { s.environ = append(s.environ, name+"="+value) }
