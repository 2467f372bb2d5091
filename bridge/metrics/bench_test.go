package metrics_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/idna"

	"invitebridge/bridge"
	"invitebridge/bridge/boltstore"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/instrument"
	"invitebridge/bridge/metrics"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

const (
	base = "/api/v1/invite"
	key  = "a-key-for-the-bench"
)

// BenchmarkCost measures what metrics add to a preview, which only reads, and to an
// invitation, which waits for Kratos and the disk, and what a scrape costs: with the
// whole bridge behind its handlers, with metrics and without.
func BenchmarkCost(b *testing.B) {
	for _, counted := range []bool{false, true} {
		d := newInProcess(b, counted)
		b.Run(fmt.Sprintf("preview/metrics=%v", counted), func(b *testing.B) {
			token := d.invite(b)
			for b.Loop() {
				d.call(b, d.public, http.MethodGet, base+"/"+token, nil, http.StatusOK)
			}
		})
		b.Run(fmt.Sprintf("invite/metrics=%v", counted), func(b *testing.B) {
			for b.Loop() {
				d.invite(b)
			}
		})
		if counted {
			b.Run("scrape", func(b *testing.B) {
				for b.Loop() {
					d.call(b, d.admin, http.MethodGet, "/metrics/prometheus", nil, http.StatusOK)
				}
			})
		}
	}
}

// inProcess is a bridge whose handlers are called without a network.
type inProcess struct {
	public, admin http.Handler
	serial        atomic.Int64
}

func newInProcess(b *testing.B, counted bool) *inProcess {
	b.Helper()
	m := metrics.New("v1")
	var options []boltstore.Option
	if counted {
		options = append(options, boltstore.OnCommit(m.Commit))
	}
	store, err := boltstore.Open(filepath.Join(b.TempDir(), "invites.db"), options...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	client, err := kratos.New(kratos.Config{AdminURL: bridgetest.New(b).Kratos.URL})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	var identities bridge.Identities = client
	config := bridge.Config{
		SchemaID: kratostest.DefaultSchema, ToASCII: idna.Lookup.ToASCII, LinkTemplate: "https://example.com/{token}",
		Lifespan: time.Hour, MaxLifespan: time.Hour, Cooldown: time.Minute, Retention: time.Hour, IdentityTimeout: 5 * time.Second,
		EndpointsFor: bridgetest.Endpoints,
	}
	handlers := httpapi.Config{
		BasePath: base, APIKeys: []httpapi.APIKey{{Name: "bench", SHA256: sha256.Sum256([]byte(key))}},
		Log: slog.New(slog.DiscardHandler),
	}
	if counted {
		identities = instrument.Identities(identities, m.Kratos)
		config.OnCounted = m.Count
		handlers.Metrics = m.Handler()
		handlers.Observe = func(x httpapi.RequestRecord) { m.Request(x.Listener, x.Method, x.Route, x.Status, x.Took) }
	}
	service := bridge.NewService(store, identities, config)
	m.Collect(service.Backlog, store.Size)
	api := httpapi.New(service, handlers)
	return &inProcess{public: api.Public(), admin: api.Admin()}
}

func (d *inProcess) call(b *testing.B, h http.Handler, method, path string, body []byte, want int) []byte {
	b.Helper()
	r := httptest.NewRequestWithContext(context.Background(), method, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+key)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != want {
		b.Fatalf("%s: %d %s", method, w.Code, w.Body)
	}
	return w.Body.Bytes()
}

// invite creates an invitation and returns its token.
func (d *inProcess) invite(b *testing.B) string {
	b.Helper()
	body := fmt.Appendf(nil, `{"email":"bench%d@example.com"}`, d.serial.Add(1))
	var issued struct {
		Token string `json:"invitation_token"`
	}
	if err := json.Unmarshal(d.call(b, d.admin, http.MethodPost, base+"/", body, http.StatusCreated), &issued); err != nil {
		b.Fatal(err)
	}
	return issued.Token
}

// BenchmarkRecord measures the counting of one request and of one call.
func BenchmarkRecord(b *testing.B) {
	m := metrics.New("v1")
	b.ReportAllocs()
	for b.Loop() {
		m.Request("public", http.MethodGet, base+"/{token}", http.StatusOK, time.Millisecond)
		_, end := m.Kratos(context.Background(), "get")
		end("ok")
	}
}
