package webhook_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/webhook"
)

const canary = "CANARY"

// TestNoSecretInDetails puts a canary wherever a secret may occur and makes
// requests fail in many ways: the canary must not occur in any detail or error.
func TestNoSecretInDetails(t *testing.T) {
	shout := func(code int) string {
		return newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://x.example.com/"+canary)
			w.Header().Set("Retry-After", canary)
			w.WriteHeader(code)
			_, _ = io.WriteString(w, canary)
		}).URL
	}
	closed := newReceiver(t, status(200))
	closed.Close()
	secure := httptest.NewTLSServer(status(200))
	defer secure.Close()
	targets := []string{
		shout(200), shout(302), shout(400), shout(410), shout(429), shout(500), closed.URL, secure.URL,
		strings.Replace(shout(200), "http:", "https:", 1), "http://" + canary + ".invalid",
	}
	bodies := []string{
		"", inline(later(`function(ctx) error ctx.data.invitation_token`)), inline(later(`function(ctx) ctx.data.invitation_token.x`)),
		inline(later(`function(ctx) { assert false : "` + canary + `" }`)), inline(later(`function(ctx) std.parseInt(ctx.data.invitation_link)`)),
	}
	for _, target := range targets {
		for _, body := range bodies {
			for _, private := range []bool{false, true} {
				notified := webhook.Hook{
					ID: "crm", Events: []bridge.Event{bridge.EventTokenCreated}, URL: target + "/" + canary + "?key=" + canary,
					Headers: map[string]string{"X-Secret": canary}, Auth: webhook.Auth{Type: webhook.AuthBasic, User: canary, Password: canary},
					Secrets: []string{"whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(canary, 5)))},
					Body:    body, Timeout: time.Second,
				}
				blocking := notified
				blocking.ID, blocking.Events, blocking.CanInterrupt = "seats", []bridge.Event{bridge.EventPrePassword}, true
				w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{notified, blocking}, DisallowPrivateIPRanges: private})
				d := dispatch(bridge.EventTokenCreated)
				d.Payload.Data.Token, d.Payload.Data.Link = canary, canary
				if result := w.Send(t.Context(), d); strings.Contains(result.Detail, canary) {
					t.Errorf("%s, %q: got %+v", target, body, result)
				}
				// Tries take time, and one combination per target suffices.
				if body != "" || private {
					continue
				}
				d.Payload.Type = bridge.EventPrePassword
				if err := w.Call(t.Context(), d.Payload); err != nil && strings.Contains(err.Error(), canary) {
					t.Errorf("%s: got %v", target, err)
				}
			}
		}
	}
}
