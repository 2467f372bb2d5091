package webhook_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/webhook"
)

// TestAsk: only a 2xx of the hook that was asked is consent. A 403 refuses, also without
// messages; anything else is no answer, and so is a body that is not sent.
func TestAsk(t *testing.T) {
	about := bridge.Payload{Type: bridge.EventPreInviter, Timestamp: time.Now(), Data: bridge.PayloadData{
		Inviter: &bridge.Inviter{ID: uuid.New(), SchemaID: "default", AAL: "aal1"},
	}}
	says := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
	}
	for body, want := range map[string]error{
		"": nil, " \n": nil, "{}": nil, `{"ok":1}`: nil, `{"allowed":true}`: nil, `{"result":true}`: nil,
		`{"allowed":false}`: bridge.ErrHookRefused, `{"allowed":null}`: bridge.ErrHookRefused, `{"allowed":"true"}`: bridge.ErrHookRefused,
		`{"result":false}`: bridge.ErrHookRefused, `{"result":{"allow":true}}`: bridge.ErrHookRefused, `{"allowed":true,"result":false}`: bridge.ErrHookRefused,
		"<h1>Sign in</h1>": bridge.ErrHookUnavailable, "true": bridge.ErrHookUnavailable, "[]": bridge.ErrHookUnavailable, `{"allowed":true`: bridge.ErrHookUnavailable,
		`{"x":"` + strings.Repeat("x", 2<<20) + `"}`: bridge.ErrHookUnavailable,
	} {
		authz := blockingHook("authz", newReceiver(t, says(body)).URL)
		authz.Events = []bridge.Event{bridge.EventPreInviter}
		err := mustNew(t, webhook.Config{Hooks: []webhook.Hook{authz}}).Ask(t.Context(), "authz", about)
		if !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("200 with %.40s: %v, want %v", body, err, want)
		}
	}
	for name, c := range map[string]struct {
		status int
		body   string // the template
		hook   string
		want   error
	}{
		"agrees":              {http.StatusOK, "", "authz", nil},
		"agrees without body": {http.StatusNoContent, "", "authz", nil},
		"refuses":             {http.StatusForbidden, "", "authz", bridge.ErrHookRefused},
		"unauthorized":        {http.StatusUnauthorized, "", "authz", bridge.ErrHookUnavailable},
		"not found":           {http.StatusNotFound, "", "authz", bridge.ErrHookUnavailable},
		"redirects":           {http.StatusFound, "", "authz", bridge.ErrHookUnavailable},
		"fails":               {http.StatusInternalServerError, "", "authz", bridge.ErrHookUnavailable},
		"is not called":       {http.StatusOK, `function(ctx) error "cancel"`, "authz", bridge.ErrHookUnavailable},
		"gets its own body":   {http.StatusOK, `function(ctx) { subject_id: ctx.data.inviter.id }`, "authz", nil},
		"unknown":             {http.StatusOK, "", "other", bridge.ErrHookUnavailable},
		"for something else":  {http.StatusOK, "", "seats", bridge.ErrHookUnavailable},
	} {
		r := newReceiver(t, status(c.status))
		authz := blockingHook("authz", r.URL)
		authz.Events = []bridge.Event{bridge.EventPreInviter}
		if c.body != "" {
			authz.Body = inline(c.body)
		}
		w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{authz, blockingHook("seats", r.URL)}})
		if err := w.Ask(t.Context(), c.hook, about); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
