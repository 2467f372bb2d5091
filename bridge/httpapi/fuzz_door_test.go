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

// door is the handlers of both listeners without connections, in a world that
// all inputs share: a new one for each would leave no time for inputs.
type door struct {
	*bridgetest.World
	public, admin http.Handler
	commits       int // of the store
}

func openDoor(f *testing.F) *door {
	d := &door{World: bridgetest.New(f)}
	handlers := httpapi.New(d.Service, httpapi.Config{
		BasePath: base, LoginURL: "https://id.example.com/login", Page: builtinPage(f), Log: slog.New(slog.DiscardHandler),
		APIKeys: []httpapi.APIKey{{Name: "backend", SHA256: sha256.Sum256([]byte(key))}},
	})
	d.public, d.admin = handlers.Public(), handlers.Admin()
	d.Store.FailUpdates(func(int) error { d.commits++; return nil })
	return d
}

// send gives one request to a listener. A panic is an internal error there, and
// so is whatever the envelope does not hold.
func (d *door) send(t *testing.T, listener http.Handler, method, target, query, media string, body []byte) answer {
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

// fresh makes a pending invitation of an address that nobody had before.
func (d *door) fresh(t *testing.T) bridge.Offer {
	t.Helper()
	offer, err := d.Service.Invite(t.Context(), bridge.InviteRequest{Email: "u" + uuid.NewString() + "@example.com", Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	return offer
}

// mark is all that a request could have changed.
type mark struct {
	commits, identities int
	writes              [3]kratostest.Count
}

func (d *door) mark() mark {
	return mark{d.commits, d.Kratos.Len(), [3]kratostest.Count{
		d.Kratos.Count(http.MethodPost, kratostest.RouteIdentities), d.Kratos.Count(http.MethodPut, kratostest.RouteIdentity),
		d.Kratos.Count(http.MethodDelete, kratostest.RouteIdentity),
	}}
}

// isObject is a second opinion on what a body may be.
func isObject(body []byte) bool {
	var members map[string]json.RawMessage
	return json.Unmarshal(body, &members) == nil && members != nil
}
