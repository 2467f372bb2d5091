package httpapi_test

import (
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
	"invitebridge/kratos/kratostest"
)

// fuzzTarget is the handlers of both listeners without connections. All inputs
// share one harness: a new one per input would take most of the time.
type fuzzTarget struct {
	*bridgetest.Harness
	public, admin http.Handler
	commits       int // of the store
}

func newFuzzTarget(f *testing.F) *fuzzTarget {
	d := &fuzzTarget{Harness: bridgetest.New(f)}
	handlers := httpapi.New(d.Service, httpapi.Config{
		BasePath: base, LoginURL: "https://id.example.com/login", Page: builtinPage(f), Log: slog.New(slog.DiscardHandler),
		APIKeys: []httpapi.APIKey{{Name: "backend", SHA256: sha256.Sum256([]byte(key))}},
	})
	d.public, d.admin = handlers.Public(), handlers.Admin()
	d.Store.FailUpdates(func(int) error { d.commits++; return nil })
	return d
}

// send passes one request to a listener. It fails on server errors, panics
// included, and on error responses without the envelope.
func (d *fuzzTarget) send(t *testing.T, listener http.Handler, method, target, query, media string, body []byte) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(string(body)))
	r.URL.RawQuery = query
	r.Header.Set("Content-Type", media)
	r.Header.Set("Authorization", "Bearer "+key)
	w := httptest.NewRecorder()
	listener.ServeHTTP(w, r)
	got := answer{w.Code, w.Header(), w.Body.Bytes()}
	if got.status >= 500 || got.status < 200 || got.status >= 300 && got.status < 400 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if strings.HasPrefix(got.header.Get("Content-Type"), "application/json") && got.status >= 400 && got.errorID() == "" {
		t.Fatalf("%d without the envelope: %s", got.status, got.body)
	}
	return got
}

// newInvitation creates a pending invitation of a new address.
func (d *fuzzTarget) newInvitation(t *testing.T) bridge.IssuedInvitation {
	t.Helper()
	issued, err := d.Service.Invite(t.Context(), bridge.InviteRequest{Email: "u" + uuid.NewString() + "@example.com", Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

// changeCounts counts everything that a request can change.
type changeCounts struct {
	commits, identities int
	writes              [3]kratostest.Count
}

func (d *fuzzTarget) counts() changeCounts {
	return changeCounts{d.commits, d.Kratos.Len(), [3]kratostest.Count{
		d.Kratos.Count(http.MethodPost, kratostest.RouteIdentities), d.Kratos.Count(http.MethodPut, kratostest.RouteIdentity),
		d.Kratos.Count(http.MethodDelete, kratostest.RouteIdentity),
	}}
}

// isObject reports whether body is a JSON object, according to another decoder.
func isObject(body []byte) bool {
	var members map[string]json.RawMessage
	return json.Unmarshal(body, &members) == nil && members != nil
}
