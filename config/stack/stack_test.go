//go:build docker

// Package stack_test starts the stack of docker-compose.yml on a real Docker engine
// and sends two invitations through.
//
// It needs docker, docker compose or docker-compose, and Go. An image that cannot
// be pulled is replaced by a stand-in built from this machine's files.
// "make stack" runs it. With BRIDGE_IMAGE it tests that image, such as that of a
// snapshot, instead of building one.
package stack_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge/page/pagetest"
	"invitebridge/config"
)

func TestMain(m *testing.M) { os.Exit(pagetest.Main(m)) }

const (
	base     = "/api/v1/invite"
	email    = "ada@example.com" // of the invitee who chooses a password
	another  = "lin@example.com" // of the one who chooses a passkey
	password = "correct-Horse-7-battery"
)

func TestStack(t *testing.T) {
	s := newStack(t)
	s.chooseImages()
	if given := os.Getenv("BRIDGE_IMAGE"); given != "" {
		s.environ = append(s.environ, "BRIDGE_IMAGE="+given)
	} else {
		s.do("build", "invitebridge")
	}
	image := s.image()
	t.Run("image", func(t *testing.T) { s.forTest(t).checkImage(image) })
	t.Run("quickstart", func(t *testing.T) { s.checkOverlay(t, "config/stack/quickstart.override.yml", "--dev") })
	t.Run("own", func(t *testing.T) { s.checkOverlay(t, "docs/compose.yml") })

	s.do("up", "-d")
	s.awaitHealthy("kratos")
	s.awaitHealthy("invitebridge")
	t.Run("containers", func(t *testing.T) { s.forTest(t).checkContainers() })

	s.send(http.MethodPost, s.admin+base+"/", "", map[string]any{"email": email}, nil, http.StatusUnauthorized)
	offer := s.invite(email, s.apiKey())
	link := s.linkInEmail(email)
	started := s.restart()
	s.awaitHealthy("invitebridge")
	memory := s.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", s.container("invitebridge"))
	if state := s.state(offer.ID); state != "pending" {
		t.Errorf("after a restart of the container the invitation is %q, want pending", state)
	}

	s.accept(link)
	if state := s.state(offer.ID); state != "accepted" {
		t.Errorf("the invitation is %q, want accepted", state)
	}

	second := s.invite(another, s.apiKey())
	s.acceptAnotherWay(s.linkInEmail(another))
	if state := s.state(second.ID); state != "accepted" {
		t.Errorf("the second invitation is %q, want accepted", state)
	}

	t.Logf("container start to ready: %s; binary exec to ready: %s; memory when idle: %s",
		started.Round(time.Millisecond), s.execToReady().Round(time.Millisecond), memory)
}

// quickstart has the services and networks of Ory's quickstart that the overlays
// refer to.
const quickstart = `
services:
  kratos: { image: kratos, networks: [intranet] }
  mailslurper: { image: mailslurper, networks: [intranet] }
networks: { intranet: {} }
`

// checkOverlay checks that a Compose file which adds the bridge to other services
// is complete enough to start it. The configuration next to that file is the
// example with an API key.
func (s *stack) checkOverlay(t *testing.T, overlay string, flags ...string) {
	dir := t.TempDir()
	example := strings.ReplaceAll(string(config.Example()), strings.Repeat("0", 64), strings.Repeat("7", 64))
	for name, text := range map[string]string{"own.yml": quickstart, "invitebridge.yml": example} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s.environ = append(s.environ, "BRIDGE="+s.root)
	overlaid := s.withFiles(t, "-"+filepath.Base(t.Name()), filepath.Join(dir, "own.yml"), filepath.Join(s.root, overlay))
	build := []string{"build"}
	for _, variable := range s.environ {
		if strings.HasPrefix(variable, "GO_IMAGE=") {
			build = append(build, "--build-arg", variable)
		}
	}
	overlaid.do(append(build, "invitebridge")...)
	check := []string{"run", "--rm", "-T", "--no-deps", "invitebridge", "config", "check", "-c", "/etc/invitebridge/invitebridge.yml"}
	if out := overlaid.do(append(check, flags...)...); !strings.Contains(out, "valid") {
		t.Error(out)
	}
}

// forTest returns the stack for a subtest.
func (s *stack) forTest(t *testing.T) *stack {
	part := *s
	part.t = t
	return &part
}

type invitation struct {
	ID    string `json:"id"`
	State string `json:"state"`
	Token string `json:"invitation_token"`
}

func (s *stack) invite(email, key string) (i invitation) {
	s.t.Helper()
	s.send(http.MethodPost, s.admin+base+"/", key, map[string]any{"email": email, "inviter_name": "Grace"}, &i, http.StatusCreated)
	if i.ID == "" {
		s.t.Fatal("the invitation has no id")
	}
	return i
}

func (s *stack) state(id string) string {
	s.t.Helper()
	var i invitation
	s.send(http.MethodGet, s.admin+base+"/"+id, s.apiKey(), nil, &i, http.StatusOK)
	return i.State
}

type message struct {
	ID string
	To []struct{ Address string }
}

// linkInEmail waits for the email to an invitee, in the mail catcher, and returns its
// link.
func (s *stack) linkInEmail(to string) string {
	s.t.Helper()
	link := regexp.MustCompile(regexp.QuoteMeta(s.public) + `/invite/[A-Za-z0-9_-]{22}\b`)
	var list struct{ Messages []message }
	others := func(m message) bool { return len(m.To) != 1 || m.To[0].Address != to }
	for begin := time.Now(); len(list.Messages) == 0; time.Sleep(50 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			s.t.Fatal("no email arrived")
		}
		s.send(http.MethodGet, s.mail+"/api/v1/messages", "", nil, &list, http.StatusOK)
		list.Messages = slices.DeleteFunc(list.Messages, others)
	}
	if len(list.Messages) != 1 {
		s.t.Fatalf("got the emails %+v, want one to the invitee", list.Messages)
	}
	var mail struct{ Text string }
	s.send(http.MethodGet, s.mail+"/api/v1/message/"+list.Messages[0].ID, "", nil, &mail, http.StatusOK)
	found := link.FindString(mail.Text)
	if found == "" {
		s.t.Fatalf("no link to %s in the email:\n%s", s.public, mail.Text)
	}
	return found
}

// accept follows the invitee's steps in a browser, from the link to the page that
// shows who is signed in, and checks that the link works only once.
func (s *stack) accept(link string) {
	s.t.Helper()
	tab := pagetest.Open(s.t, pagetest.Options{})
	tab.Visit(link)
	tab.See("Choose a password")
	tab.Fill("#password", password)
	tab.Click("form > button")
	tab.See("Your password is set")
	address := s.public + base + link[strings.LastIndex(link, "/"):]
	s.send(http.MethodPost, address, "", map[string]any{"password": password}, nil, http.StatusGone)
	tab.Click("main a.button")
	tab.At(s.ui + "/login?flow=")
	tab.Fill("form:has([name=password]) [name=identifier]", email)
	tab.Fill("[name=password]", password)
	tab.Click("button[name=method][value=password]")
	tab.At(s.ui + "/sessions")
	tab.See("in as " + email) // part of the text of Ory's reference UI too
}

// acceptAnotherWay does the same without a password: it ends signed in, with a passkey.
func (s *stack) acceptAnotherWay(link string) {
	s.t.Helper()
	tab := pagetest.Open(s.t, pagetest.Options{})
	tab.AddAuthenticator()
	tab.Visit(link)
	tab.See("Choose another way")
	tab.Click("button[name=method][value=kratos]")
	tab.At(s.ui + "/settings?flow=")
	tab.Click("button[name=passkey_register_trigger]")
	tab.At(s.ui + "/sessions")
	tab.See("in as " + another)
}

// send sends a request, checks the status and decodes the response into into.
func (s *stack) send(method, url, key string, body, into any, want int) {
	s.t.Helper()
	var payload bytes.Buffer
	if body != nil {
		_ = json.NewEncoder(&payload).Encode(body)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, url, &payload)
	if err != nil {
		s.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	client := http.Client{Timeout: 30 * time.Second}
	res, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != want {
		s.t.Fatalf("%s %s: status %d, want %d; %v\n%s", method, url, res.StatusCode, want, err, answer)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			s.t.Fatalf("%s %s: %v\n%s", method, url, err, answer)
		}
	}
}
