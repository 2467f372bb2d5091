package webhook_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"invitebridge/bridge"
	"invitebridge/bridge/webhook"
)

func TestAsk(t *testing.T) {
	t.Run("nobody to ask", func(t *testing.T) {
		w := mustNew(t, webhook.Config{})
		if err := w.Ask(t.Context(), payload(bridge.EventPreInvitation)); err != nil {
			t.Error(err)
		}
	})
	t.Run("all agree, in order", func(t *testing.T) {
		var order []string
		r := newReceiver(t, func(w http.ResponseWriter, r *http.Request) {
			order = append(order, r.URL.Path)
			w.WriteHeader(http.StatusNoContent)
		})
		other := asking("other", r.URL+"/other")
		other.Events = []bridge.Event{bridge.EventPrePassword}
		w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{asking("b", r.URL+"/b"), other, asking("a", r.URL+"/a")}})
		if err := w.Ask(t.Context(), payload(bridge.EventPreInvitation)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"/b", "/a"}, order); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("the second refuses", func(t *testing.T) {
		yes, no, never := newReceiver(t, status(200)), newReceiver(t, refuse), newReceiver(t, status(200))
		w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{asking("a", yes.URL), asking("b", no.URL), asking("c", never.URL)}})
		err := w.Ask(t.Context(), payload(bridge.EventPreInvitation))
		if !errors.Is(err, bridge.ErrHookRefused) {
			t.Fatalf("got %v", err)
		}
		var refusal *bridge.Error
		errors.As(err, &refusal)
		want := []bridge.UIText{{ID: 7, Text: "no seats left", Type: "error", Context: map[string]any{"seats": 0.0}, InstancePtr: "#/traits/email"}}
		if diff := cmp.Diff(want, refusal.Messages); diff != "" {
			t.Error(diff)
		}
		if len(yes.got()) != 1 || len(no.got()) != 1 || len(never.got()) != 0 {
			t.Errorf("asked %d, %d, %d times", len(yes.got()), len(no.got()), len(never.got()))
		}
		if bridge.ErrHookRefused.Messages != nil {
			t.Error("the sentinel was changed")
		}
	})
	t.Run("agrees at the third try", func(t *testing.T) {
		var tries atomic.Int64
		r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
			if tries.Add(1) < 3 {
				w.WriteHeader(http.StatusBadGateway)
			}
		})
		hook := asking("a", r.URL)
		hook.Secrets = []string{secret("a")}
		w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{hook}})
		for range 2 {
			if err := w.Ask(t.Context(), payload(bridge.EventPreInvitation)); err != nil {
				t.Fatal(err)
			}
		}
		var ids []string
		for _, got := range r.got() {
			ids = append(ids, got.header.Get("webhook-id"))
			if err := verify(t, secret("a"), got); err != nil {
				t.Error(err)
			}
		}
		if len(ids) != 4 || ids[0] != ids[1] || ids[1] != ids[2] || ids[2] == ids[3] || ids[0][14] != '7' {
			t.Errorf("got the ids %v", ids)
		}
	})
	t.Run("cancelled by the template", func(t *testing.T) {
		r := newReceiver(t, refuse)
		hook := asking("a", r.URL)
		hook.Body = inline(`function(ctx) error "cancel"`)
		w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{hook}})
		if err := w.Ask(t.Context(), payload(bridge.EventPreInvitation)); err != nil || len(r.got()) != 0 {
			t.Errorf("got %v, %d requests", err, len(r.got()))
		}
	})
}

func TestAskFailsClosed(t *testing.T) {
	text := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	const veto = `{"messages":[{"messages":[{"id":1,"text":"no","type":"error"}]}]}`
	for name, answer := range map[string]http.HandlerFunc{
		"500":                   text(500, ""),
		"500 with messages":     text(500, veto),
		"503":                   text(503, ""),
		"302":                   text(302, ""),
		"304":                   text(304, ""),
		"404 page":              text(404, "<html>not here</html>"),
		"400 empty":             text(400, ""),
		"410":                   text(410, ""),
		"403 null":              text(403, "null"),
		"403 {}":                text(403, "{}"),
		"403 no messages":       text(403, `{"messages":[]}`),
		"403 empty messages":    text(403, `{"messages":[{"instance_ptr":"#/","messages":[]}]}`),
		"403 empty text":        text(403, `{"messages":[{"messages":[{"id":1,"text":"\u0007"}]}]}`),
		"403 flat":              text(403, `{"messages":[{"id":1,"text":"no","type":"error"}]}`),
		"403 string":            text(403, `{"messages":"no"}`),
		"403 text id":           text(403, `{"messages":[{"messages":[{"id":"1","text":"no"}]}]}`),
		"403 cut short":         text(403, veto[:len(veto)-1]),
		"403 and more":          text(403, veto+"{}"),
		"403 longer than taken": text(403, `{"pad":"`+strings.Repeat("a", 64<<10)+`",`+veto[1:]),
		"403 claims gzip": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			text(403, "\x1f\x8b\x08")(w, nil)
		},
		"hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, answer)
			w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{asking("seats", r.URL)}})
			begun := time.Now()
			err := w.Ask(t.Context(), payload(bridge.EventPreInvitation))
			if !errors.Is(err, bridge.ErrHookUnavailable) || !strings.Contains(err.Error(), "hook seats: ") {
				t.Errorf("got %v", err)
			}
			if n := len(r.got()); n != 3 {
				t.Errorf("%d tries", n)
			}
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestAskEndsWithinTenSeconds(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	slow := newReceiver(t, func(_ http.ResponseWriter, _ *http.Request) {
		select {
		case <-hang:
		case <-time.After(3 * time.Second):
		}
	})
	stuck := newReceiver(t, func(http.ResponseWriter, *http.Request) { <-hang })
	t.Cleanup(func() { close(hang) })
	hooks := []webhook.Hook{asking("a", slow.URL), asking("b", slow.URL), asking("c", stuck.URL)}
	for i := range hooks {
		hooks[i].Timeout = 30 * time.Second
	}
	w := mustNew(t, webhook.Config{Hooks: hooks})
	begun := time.Now()
	err := w.Ask(t.Context(), payload(bridge.EventPreInvitation))
	if took := time.Since(begun); took > 10*time.Second || took < 9*time.Second {
		t.Errorf("took %s", took)
	}
	if !errors.Is(err, bridge.ErrHookUnavailable) || !strings.Contains(err.Error(), "hook c: no answer in time") {
		t.Errorf("got %v", err)
	}
}

func TestAskEndsWithItsContext(t *testing.T) {
	r := newReceiver(t, status(http.StatusInternalServerError))
	w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{asking("a", r.URL)}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Ask(ctx, payload(bridge.EventPreInvitation)); !errors.Is(err, bridge.ErrHookUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestAskIsStampedByTheClock(t *testing.T) {
	r := newReceiver(t, status(http.StatusOK))
	at := time.Unix(1_800_000_000, 0)
	w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{asking("a", r.URL)}, Now: func() time.Time { return at }})
	if err := w.Ask(t.Context(), payload(bridge.EventPreInvitation)); err != nil {
		t.Fatal(err)
	}
	if got := r.got()[0].header.Get("webhook-timestamp"); got != "1800000000" {
		t.Errorf("got %s", got)
	}
}
