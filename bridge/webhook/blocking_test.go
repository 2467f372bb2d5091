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
	"invitebridge/bridge/testenv"
	"invitebridge/bridge/webhook"
)

func TestCall(t *testing.T) {
	t.Run("no hooks", func(t *testing.T) {
		w := mustNew(t, webhook.Config{})
		if err := w.Call(t.Context(), payload(bridge.EventPreInvitation)); err != nil {
			t.Error(err)
		}
	})
	t.Run("all allow, in order", func(t *testing.T) {
		var order []string
		r := newReceiver(t, func(w http.ResponseWriter, r *http.Request) {
			order = append(order, r.URL.Path)
			w.WriteHeader(http.StatusNoContent)
		})
		other := blockingHook("other", r.URL+"/other")
		other.Events = []bridge.Event{bridge.EventPrePassword}
		w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{blockingHook("b", r.URL+"/b"), other, blockingHook("a", r.URL+"/a")}})
		if err := w.Call(t.Context(), payload(bridge.EventPreInvitation)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"/b", "/a"}, order); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("the second refuses", func(t *testing.T) {
		yes, no, never := newReceiver(t, status(200)), newReceiver(t, refuse), newReceiver(t, status(200))
		w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{blockingHook("a", yes.URL), blockingHook("b", no.URL), blockingHook("c", never.URL)}})
		err := w.Call(t.Context(), payload(bridge.EventPreInvitation))
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
			t.Errorf("called %d, %d, %d times", len(yes.got()), len(no.got()), len(never.got()))
		}
		if bridge.ErrHookRefused.Messages != nil {
			t.Error("the sentinel was changed")
		}
	})
	t.Run("allows at the third try", func(t *testing.T) {
		var tries atomic.Int64
		r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
			if tries.Add(1) < 3 {
				w.WriteHeader(http.StatusBadGateway)
			}
		})
		hook := blockingHook("a", r.URL)
		hook.Secrets = []string{secret("a")}
		w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{hook}})
		for range 2 {
			if err := w.Call(t.Context(), payload(bridge.EventPreInvitation)); err != nil {
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
	t.Run("canceled by the template", func(t *testing.T) {
		r := newReceiver(t, refuse)
		hook := blockingHook("a", r.URL)
		hook.Body = inline(`function(ctx) error "cancel"`)
		w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{hook}})
		if err := w.Call(t.Context(), payload(bridge.EventPreInvitation)); err != nil || len(r.got()) != 0 {
			t.Errorf("got %v, %d requests", err, len(r.got()))
		}
	})
}

func TestCallFailsClosed(t *testing.T) {
	text := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	const refusal = `{"messages":[{"messages":[{"id":1,"text":"no","type":"error"}]}]}`
	for name, answer := range map[string]http.HandlerFunc{
		"500":                text(500, ""),
		"500 with messages":  text(500, refusal),
		"503":                text(503, ""),
		"302":                text(302, ""),
		"304":                text(304, ""),
		"404 page":           text(404, "<html>not here</html>"),
		"400 empty":          text(400, ""),
		"410":                text(410, ""),
		"403 null":           text(403, "null"),
		"403 {}":             text(403, "{}"),
		"403 no messages":    text(403, `{"messages":[]}`),
		"403 empty messages": text(403, `{"messages":[{"instance_ptr":"#/","messages":[]}]}`),
		"403 empty text":     text(403, `{"messages":[{"messages":[{"id":1,"text":"\u0007"}]}]}`),
		"403 flat":           text(403, `{"messages":[{"id":1,"text":"no","type":"error"}]}`),
		"403 string":         text(403, `{"messages":"no"}`),
		"403 text id":        text(403, `{"messages":[{"messages":[{"id":"1","text":"no"}]}]}`),
		"403 cut short":      text(403, refusal[:len(refusal)-1]),
		"403 and more":       text(403, refusal+"{}"),
		"403 above 64 KiB":   text(403, `{"pad":"`+strings.Repeat("a", 64<<10)+`",`+refusal[1:]),
		"403 claims gzip": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			text(403, "\x1f\x8b\x08")(w, nil)
		},
		"hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, answer)
			w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{blockingHook("seats", r.URL)}})
			err := w.Call(t.Context(), payload(bridge.EventPreInvitation))
			if !errors.Is(err, bridge.ErrHookUnavailable) || !strings.Contains(err.Error(), "hook seats: ") {
				t.Errorf("got %v", err)
			}
			if n := len(r.got()); n != 3 {
				t.Errorf("%d tries", n)
			}
		})
	}
}

func TestCallEndsWithinTenSeconds(t *testing.T) {
	testenv.SkipIfShort(t, "10 s of real time")
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
	hooks := []webhook.Hook{blockingHook("a", slow.URL), blockingHook("b", slow.URL), blockingHook("c", stuck.URL)}
	for i := range hooks {
		hooks[i].Timeout = longTimeout
	}
	w := mustNew(t, webhook.Config{Hooks: hooks})
	begun := time.Now()
	err := w.Call(t.Context(), payload(bridge.EventPreInvitation))
	if webhook.CallTimeout >= bridge.HookBudget {
		t.Errorf("a call may take %s of %s", webhook.CallTimeout, bridge.HookBudget)
	}
	if took := time.Since(begun); took < webhook.CallTimeout {
		t.Errorf("took %s", took)
	}
	if n := len(stuck.got()); n != 1 { // after the hook's own timeout there are more tries
		t.Errorf("%d tries of the last hook", n)
	}
	if !errors.Is(err, bridge.ErrHookUnavailable) || !strings.Contains(err.Error(), "hook c: no response in time") {
		t.Errorf("got %v", err)
	}
}

func TestCallEndsWithItsContext(t *testing.T) {
	r := newReceiver(t, status(http.StatusInternalServerError))
	w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{blockingHook("a", r.URL)}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Call(ctx, payload(bridge.EventPreInvitation)); !errors.Is(err, bridge.ErrHookUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestCallUsesTheClock(t *testing.T) {
	r := newReceiver(t, status(http.StatusOK))
	at := time.Unix(1_800_000_000, 0)
	w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{blockingHook("a", r.URL)}, Now: func() time.Time { return at }})
	if err := w.Call(t.Context(), payload(bridge.EventPreInvitation)); err != nil {
		t.Fatal(err)
	}
	if got := r.got()[0].header.Get("webhook-timestamp"); got != "1800000000" {
		t.Errorf("got %s", got)
	}
}
