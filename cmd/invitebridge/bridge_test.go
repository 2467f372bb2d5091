package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"invitebridge/bridge/page/pagetest"
	"invitebridge/kratos/kratostest"
)

func TestMain(m *testing.M) {
	os.Exit(pagetest.Main(tests(func() int { return kratostest.Main(m) })))
}

type tests func() int

func (run tests) Run() int { return run() }

const (
	base     = "/api/v1/invite"
	key      = "a-key-for-the-tests"
	password = "correct-Horse-7-battery"
)

// running is the real server: "invitebridge serve" in this process.
type running struct {
	t             testing.TB
	public, admin string
	store         string
	extra         string // the file with the extra lines, if any
	log           *follower
	stop          func() int // stops it and returns the exit code
}

// startBridge runs serve against a Kratos, with extra lines of configuration.
func startBridge(t testing.TB, kratos *kratostest.Server, lines ...string) *running {
	t.Helper()
	return startAgainst(t, kratos.PublicURL, kratos.AdminURL, lines...)
}

// startAgainst is startBridge for a Kratos given by its addresses.
func startAgainst(t testing.TB, kratosPublic, kratosAdmin string, lines ...string) *running {
	t.Helper()
	dir := t.TempDir()
	b := &running{t: t, store: filepath.Join(dir, "invites.db"), log: newFollower()}
	file := filepath.Join(dir, "invitebridge.yml")
	text := fmt.Sprintf(`
dsn: bolt://%s
serve:
  public: { host: 127.0.0.1, port: 0, rate_limit: { requests: 0 } }
  admin: { host: 127.0.0.1, port: 0, api_keys: [ { name: tests, key: %s } ] }
kratos: { public_url: %s, admin_url: %s }
selfservice: { methods: { password: { config: { haveibeenpwned_enabled: false } } } }
`, b.store, key, kratosPublic, kratosAdmin)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"serve", "-c", file}
	if len(lines) > 0 {
		b.extra = filepath.Join(dir, "more.yml")
		write(t, b.extra, strings.Join(lines, "\n"))
		args = append(args, "-c", b.extra)
	}
	ctx, cancel := context.WithCancel(context.Background())
	exit := make(chan int, 1)
	go func() {
		code := run(ctx, args, nil, stdio{out: io.Discard, err: b.log})
		b.log.close()
		exit <- code
	}()
	b.stop = sync.OnceValue(func() int { cancel(); return <-exit })
	t.Cleanup(func() { b.stop() })
	b.public, b.admin = b.log.address(t, "public"), b.log.address(t, "admin")
	return b
}

// startFakeBridge runs serve against a fake Kratos.
func startFakeBridge(t testing.TB, lines ...string) *running {
	t.Helper()
	fake, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	return startBridge(t, &kratostest.Server{PublicURL: fake.URL, AdminURL: fake.URL}, lines...)
}

// write replaces a file atomically, as editors do.
func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+"~", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+"~", path); err != nil {
		t.Fatal(err)
	}
}

// follower collects a log and lets tests wait for lines.
type follower struct {
	pipe  *io.PipeWriter
	lines chan map[string]any // those about a listener or the configuration
	mu    sync.Mutex
	text  bytes.Buffer
}

func newFollower() *follower {
	r, w := io.Pipe()
	f := &follower{pipe: w, lines: make(chan map[string]any, 1000)}
	go func() {
		defer close(f.lines)
		for scanner := bufio.NewScanner(r); scanner.Scan(); {
			var line map[string]any
			if json.Unmarshal(scanner.Bytes(), &line) != nil {
				continue
			}
			if text, _ := line["msg"].(string); text == "listening" || strings.Contains(text, "configuration") {
				f.lines <- line
			}
		}
		_, _ = io.Copy(io.Discard, r)
	}()
	return f
}

func (f *follower) Write(p []byte) (int, error) {
	f.mu.Lock()
	f.text.Write(p)
	f.mu.Unlock()
	return f.pipe.Write(p)
}

func (f *follower) close() { _ = f.pipe.Close() }

func (f *follower) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text.String()
}

// address waits for the log line of a listener and returns its address.
func (f *follower) address(t testing.TB, listener string) string {
	t.Helper()
	return "http://" + f.await(t, "listener", listener)["address"].(string)
}

// await waits for a line with the given attribute.
func (f *follower) await(t testing.TB, member, value string) map[string]any {
	t.Helper()
	for line := range f.lines {
		if line[member] == value {
			return line
		}
	}
	t.Fatalf("the log ended without %s %s:\n%s", member, value, f)
	return nil
}

type object = map[string]any

// answer is a response with its decoded body.
type answer struct {
	status int
	header http.Header
	text   string
	body   object
}

// errorID returns the id in an error envelope.
func (a answer) errorID() string {
	e, _ := a.body["error"].(object)
	id, _ := e["id"].(string)
	return id
}

func (b *running) call(method, url string, body any, headers ...string) answer {
	b.t.Helper()
	a, err := send(b.t.Context(), method, url, body, headers...)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// client keeps enough idle connections for all tests.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}

func send(ctx context.Context, method, url string, body any, headers ...string) (answer, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return answer{}, err
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(text))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	a := answer{status: res.StatusCode, header: res.Header, text: string(raw)}
	_ = json.Unmarshal(raw, &a.body)
	return a, err
}

// asAdmin calls the admin listener; path is relative to the base path.
func (b *running) asAdmin(method, path string, body any) answer {
	b.t.Helper()
	return b.call(method, b.admin+base+path, body, "Authorization", "Bearer "+key)
}

// accept posts a password to the public listener.
func (b *running) accept(token, password string) answer {
	b.t.Helper()
	return b.call(http.MethodPost, b.public+base+"/"+token, object{"password": password})
}

// invite creates an invitation and returns the response body.
func (b *running) invite(body object) object {
	b.t.Helper()
	a := b.asAdmin(http.MethodPost, "/", body)
	if a.status != http.StatusCreated && a.status != http.StatusOK {
		b.t.Fatalf("invite: %d %s", a.status, a.text)
	}
	return a.body
}

func token(issued object) string { return issued["invitation_token"].(string) }

func decode(t testing.TB, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}
