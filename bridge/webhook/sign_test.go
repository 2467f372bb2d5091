package webhook_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"invitebridge/bridge"
	"invitebridge/bridge/webhook"
)

func verify(t *testing.T, secret string, r request) error {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return verifier.Verify(r.body, r.header)
}

func TestSignatureVerifiesWithTheOfficialLibrary(t *testing.T) {
	old, next := secret("a"), secret("b")
	for name, c := range map[string]struct {
		configured, verifies, fails []string
	}{
		"one secret":           {[]string{old}, []string{old}, []string{next}},
		"while it is replaced": {[]string{next, old}, []string{old, next}, []string{secret("c")}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t, status(http.StatusNoContent))
			w := newWebhooks(t, r.URL, func(h *webhook.Hook) { h.Secrets = c.configured })
			if result := w.Send(t.Context(), dispatch(bridge.EventTokenCreated)); result.Outcome != bridge.AttemptSent || result.Status != http.StatusNoContent {
				t.Fatalf("got %+v", result)
			}
			got := r.got()[0]
			for _, good := range c.verifies {
				if err := verify(t, good, got); err != nil {
					t.Error(err)
				}
			}
			for _, bad := range c.fails {
				if verify(t, bad, got) == nil {
					t.Error("a secret that was not configured verifies")
				}
			}
			signatures := strings.Split(got.header.Get("webhook-signature"), " ")
			if len(signatures) != len(c.configured) {
				t.Errorf("got %d signatures", len(signatures))
			}
		})
	}
}

// TestConcurrentSignatures: requests that are signed at the same time share keys, and
// nothing else.
func TestConcurrentSignatures(t *testing.T) {
	secrets := []string{secret("a"), secret("b")}
	r := newReceiver(t, status(http.StatusNoContent))
	w := newWebhooks(t, r.URL, func(h *webhook.Hook) { h.Secrets = secrets })
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			for range 20 {
				d := dispatch(bridge.EventTokenCreated)
				d.MessageID = uuid.New()
				w.Send(t.Context(), d)
			}
		})
	}
	senders.Wait()
	if n := len(r.got()); n != 160 {
		t.Errorf("the receiver got %d requests", n)
	}
	for _, got := range r.got() {
		for _, key := range secrets {
			if err := verify(t, key, got); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestUnsignedRequestsHaveIDAndTimestamp(t *testing.T) {
	r := newReceiver(t, status(http.StatusOK))
	w := newWebhooks(t, r.URL, nil)
	w.Send(t.Context(), dispatch(bridge.EventTokenCreated))
	h := r.got()[0].header
	if h.Get("webhook-id") != messageID.String() || h.Get("webhook-timestamp") == "" || h.Values("webhook-signature") != nil {
		t.Errorf("got %v", h)
	}
}

func TestAttemptsShareTheIDAndNotTheTimestamp(t *testing.T) {
	r := newReceiver(t, status(http.StatusInternalServerError))
	w := newWebhooks(t, r.URL, func(h *webhook.Hook) { h.Secrets = []string{secret("a")} })
	first := dispatch(bridge.EventTokenCreated)
	second := first
	second.Attempt, second.At = 2, first.At.Add(5*time.Second)
	w.Send(t.Context(), first)
	w.Send(t.Context(), second)
	for i, at := range []time.Time{first.At, second.At} {
		h := r.got()[i].header
		if got := h.Get("webhook-id"); got != messageID.String() {
			t.Errorf("attempt %d has the id %q", i+1, got)
		}
		if got := h.Get("webhook-timestamp"); got != strconv.FormatInt(at.Unix(), 10) {
			t.Errorf("attempt %d has the timestamp %q", i+1, got)
		}
		if err := verify(t, secret("a"), r.got()[i]); err != nil {
			t.Error(err)
		}
	}
}

func TestRequestHeaders(t *testing.T) {
	send := func(t *testing.T, change func(*webhook.Hook)) request {
		t.Helper()
		r := newReceiver(t, status(http.StatusOK))
		w := newWebhooks(t, r.URL+"/in?key=1", change)
		if result := w.Send(t.Context(), dispatch(bridge.EventTokenCreated)); result.Outcome != bridge.AttemptSent {
			t.Fatalf("got %+v", result)
		}
		return r.got()[0]
	}
	t.Run("plain", func(t *testing.T) {
		got := send(t, func(h *webhook.Hook) { h.Headers = map[string]string{"X-Env": "prod"}; h.Method = http.MethodPut })
		if got.method != http.MethodPut || got.header.Get("Content-Type") != "application/json" || got.header.Get("X-Env") != "prod" {
			t.Errorf("got %s %v", got.method, got.header)
		}
		if got.header.Get("User-Agent") != "invitebridge" || got.header.Get("Accept-Encoding") != "" {
			t.Errorf("got %v", got.header)
		}
	})
	t.Run("key in a header", func(t *testing.T) {
		got := send(t, func(h *webhook.Hook) {
			h.Auth = webhook.Auth{Type: webhook.AuthAPIKey, Name: "X-Api-Key", Value: "k", In: "header"}
		})
		if got.header.Get("X-Api-Key") != "k" || got.method != http.MethodPost {
			t.Errorf("got %s %v", got.method, got.header)
		}
	})
	t.Run("key in a cookie", func(t *testing.T) {
		got := send(t, func(h *webhook.Hook) {
			h.Auth = webhook.Auth{Type: webhook.AuthAPIKey, Name: "session", Value: "k", In: "cookie"}
		})
		if got.header.Get("Cookie") != "session=k" {
			t.Errorf("got %v", got.header)
		}
	})
	t.Run("basic", func(t *testing.T) {
		got := send(t, func(h *webhook.Hook) {
			h.Auth = webhook.Auth{Type: webhook.AuthBasic, User: "u", Password: "p:ä"}
		})
		user, password, ok := (&http.Request{Header: got.header}).BasicAuth()
		if !ok || user != "u" || password != "p:ä" {
			t.Errorf("got %v", got.header)
		}
	})
}
