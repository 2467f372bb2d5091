package httpapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/metrics"
)

// direct calls both handlers without a network, with a log and metrics as in
// production, the real store, and a fake Kratos.
type direct struct {
	public, admin http.Handler
	invited       int
}

func newDirect(tb testing.TB) *direct {
	tb.Helper()
	m := metrics.New("v1")
	a := httpapi.New(bridgetest.New(tb).Service, httpapi.Config{
		BasePath: base, LoginURL: "https://id.example.com/login", Page: builtinPage(tb),
		APIKeys: []httpapi.APIKey{{Name: "backend", SHA256: sha256.Sum256([]byte(key))}},
		Log:     slog.New(slog.NewJSONHandler(io.Discard, nil)), //nolint:sloglint // each line is built, as in production
		Observe: func(x httpapi.RequestRecord) { m.Request(x.Listener, x.Method, x.Route, x.Status, x.Took) },
	})
	return &direct{public: a.Public(), admin: a.Admin()}
}

// recorded is an http.ResponseWriter that costs little.
type recorded struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorded) Header() http.Header         { return r.header }
func (r *recorded) WriteHeader(status int)      { r.status = status }
func (r *recorded) Write(p []byte) (int, error) { return r.body.Write(p) }

// call sends a request and returns the body of the response.
func call(tb testing.TB, h http.Handler, method, path, body string, want int) []byte {
	tb.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, "http://127.0.0.1"+path, bytes.NewBufferString(body))
	if err != nil {
		tb.Fatal(err)
	}
	r.RemoteAddr = "192.0.2.1:4711"
	r.Header = http.Header{"Authorization": {"Bearer " + key}, "Content-Type": {"application/json"}}
	w := recorded{header: make(http.Header)}
	h.ServeHTTP(&w, r)
	if w.status != want {
		tb.Fatalf("%s: %d %s", method, w.status, &w.body)
	}
	return w.body.Bytes()
}

// invite creates an invitation and returns the response.
func (d *direct) invite(tb testing.TB) []byte {
	tb.Helper()
	d.invited++
	body := fmt.Sprintf(`{"email":"bench%d@example.com","traits":{"name":{"first":"Ada"}},"inviter_id":"u-1","inviter_name":"Grace"}`, d.invited)
	return call(tb, d.admin, http.MethodPost, base+"/", body, http.StatusCreated)
}

// token returns the token of a new invitation.
func (d *direct) token(tb testing.TB) string {
	tb.Helper()
	var issued issuedInvitation
	if err := json.Unmarshal(d.invite(tb), &issued); err != nil {
		tb.Fatal(err)
	}
	return issued.Token
}

// The benchmarks measure each hot path from the handler to the store and a Kratos that
// responds at once, whose own work counts.

func BenchmarkHealth(b *testing.B) {
	d := newDirect(b)
	b.ReportAllocs()
	for b.Loop() {
		call(b, d.public, http.MethodGet, "/health/alive", "", http.StatusOK)
	}
}

func BenchmarkPreview(b *testing.B) {
	d := newDirect(b)
	path := base + "/" + d.token(b)
	b.ReportAllocs()
	for b.Loop() {
		call(b, d.public, http.MethodGet, path, "", http.StatusOK)
	}
}

// BenchmarkPage lists 100 invitations.
func BenchmarkPage(b *testing.B) {
	d := newDirect(b)
	for range 100 {
		d.invite(b)
	}
	b.ReportAllocs()
	for b.Loop() {
		call(b, d.admin, http.MethodGet, base+"/?page_size=100", "", http.StatusOK)
	}
}

func BenchmarkInvite(b *testing.B) {
	d := newDirect(b)
	b.ReportAllocs()
	for b.Loop() {
		d.invite(b)
	}
}

func BenchmarkAccept(b *testing.B) {
	d := newDirect(b)
	tokens := make([]string, b.N)
	for i := range tokens {
		tokens[i] = d.token(b)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for _, token := range tokens {
		call(b, d.public, http.MethodPost, base+"/"+token, `{"password":"`+password+`"}`, http.StatusOK)
	}
}
