package httpapi_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/metrics"
	"invitebridge/bridge/page"
	"invitebridge/bridge/testenv"
)

const (
	base       = "/api/v1/invite"
	key        = "a-key-for-the-tests"
	inviterKey = "a-key-that-invites" // it has the scope invite only
	// uselessKey has no scope.
	uselessKey = "a-key-without-scopes"
	email      = "ada@example.com"
	password   = "correct-Horse-7-battery"
)

// api is both listeners over real connections, with a harness of their own.
type api struct {
	*bridgetest.Harness
	t             testing.TB
	public, admin string
	log           *buffer
	checker       *contractChecker
	handlers      *httpapi.API
	read          atomic.Int64 // bytes that both servers read from their clients
}

func start(t testing.TB, changes ...func(*httpapi.Config)) *api {
	t.Helper()
	return startWith(t, bridgetest.New(t), changes...)
}

func builtinPage(t testing.TB) *page.Page {
	t.Helper()
	p, err := page.New(page.Config{Title: "Example", SupportAddress: "help@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// metricsHandler stands in for the handler that the composition root configures.
var metricsHandler = metrics.New("v0.0.0-test").Handler()

func startWith(t testing.TB, w *bridgetest.Harness, changes ...func(*httpapi.Config)) *api {
	t.Helper()
	a := &api{Harness: w, t: t, log: &buffer{}, checker: newContractChecker(t)}
	config := httpapi.Config{
		BasePath: base, LoginURL: "https://id.example.com/login", Version: "v0.0.0-test",
		APIKeys: []httpapi.APIKey{{Name: "old", SHA256: sha256.Sum256([]byte("another-key-here"))}, {Name: "backend", SHA256: sha256.Sum256([]byte(key))},
			{Name: "inviter", SHA256: sha256.Sum256([]byte(inviterKey)), Scopes: []httpapi.Scope{httpapi.ScopeInvite}},
			{Name: "useless", SHA256: sha256.Sum256([]byte(uselessKey)), Scopes: []httpapi.Scope{}}},
		Inviters:      &httpapi.Inviters{Cookie: sessionCookie, AllowedOrigins: []string{allowedOrigin}},
		MaxImportSize: 64 << 10, Metrics: metricsHandler, Page: builtinPage(t), Now: w.Clock.Now,
		Log: slog.New(slog.NewJSONHandler(a.log, &slog.HandlerOptions{Level: slog.LevelDebug - 4})),
	}
	for _, change := range changes {
		change(&config)
	}
	handlers := httpapi.New(w.Service, config)
	a.handlers = handlers
	public, admin := http.Handler(handlers.Public()), http.Handler(handlers.Admin())
	if config.BasePath == base { // the document in the repository has no other
		public, admin = a.checker.wrap("public", public), a.checker.wrap("admin", admin)
	}
	a.public, a.admin = a.serve(public, config.Log), a.serve(admin, config.Log)
	return a
}

// serve listens with the limits of production.
func (a *api) serve(h http.Handler, log *slog.Logger) string {
	a.t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config = httpapi.NewServer(h, testenv.Limit, log)
	s.Listener = countingListener{s.Listener, &a.read}
	s.Start()
	a.t.Cleanup(s.Close)
	return s.URL
}

// countingListener counts the bytes read from its connections.
type countingListener struct {
	net.Listener
	read *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return countingConn{conn, l.read}, err
}

type countingConn struct {
	net.Conn
	read *atomic.Int64
}

func (c countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// answer is a response, read completely.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// errorID returns the id in the error envelope; empty if there is no complete
// envelope.
func (a answer) errorID() string {
	var envelope struct {
		Error struct {
			ID      string
			Code    int
			Request string
			Reason  string
		}
	}
	if json.Unmarshal(a.body, &envelope) != nil || envelope.Error.Code != a.status || envelope.Error.Request == "" || envelope.Error.Reason == "" {
		return ""
	}
	return envelope.Error.ID
}

func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
}

func do(t testing.TB, r *http.Request) answer {
	t.Helper()
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, body}
}

func request(t testing.TB, method, url string, body any, headers ...string) *http.Request {
	t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		reader = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, reader)
	if err != nil {
		t.Fatal(err)
	}
	if reader != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// asAdmin calls the admin listener with the key; path is below the base.
func (a *api) asAdmin(method, path string, body any) answer {
	a.t.Helper()
	return do(a.t, request(a.t, method, a.admin+base+path, body, "Authorization", "Bearer "+key))
}

// asInvitee calls the public listener; path is below the base.
func (a *api) asInvitee(method, path string, body any) answer {
	a.t.Helper()
	return do(a.t, request(a.t, method, a.public+base+path, body))
}

type issuedInvitation struct {
	ID         string    `json:"id"`
	State      string    `json:"state"`
	IdentityID string    `json:"identity_id"`
	ExpiresAt  time.Time `json:"expires_at"`
	Token      string    `json:"invitation_token"`
	Link       string    `json:"invitation_link"`
}

func (a *api) invite(body any) (o issuedInvitation) {
	a.t.Helper()
	got := a.asAdmin(http.MethodPost, "/", body)
	if got.status != http.StatusCreated && got.status != http.StatusOK {
		a.t.Fatalf("invite: %d %s", got.status, got.body)
	}
	got.into(a.t, &o)
	return o
}

type object map[string]any

// buffer is a log that tests may read while it is being written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
