package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

const (
	// callTimeout bounds one Call. It is below the ten seconds of the contract, so
	// that a busy machine notices the end in time.
	callTimeout = 10*time.Second - 250*time.Millisecond
	maxTries    = 3
)

// pauses are the pauses between the tries of one hook.
var pauses = [maxTries - 1]time.Duration{100 * time.Millisecond, 400 * time.Millisecond}

// Call calls the blocking hooks subscribed to p.Type one after the other, in the
// order of the configuration. It returns nil if all of them respond with 2xx.
//
// A hook has three tries, each bounded by the hook's timeout; all hooks together
// have ten seconds. A timeout above ten seconds therefore leaves time for one try
// only. The tries of one hook share a webhook-id; no two calls do.
//
// Errors: [bridge.ErrHookRefused], with the hook's messages, if a hook responds
// with 4xx and messages in Kratos' format; further hooks are not called.
// [bridge.ErrHookUnavailable] if a hook's body cannot be rendered, which its
// reason states; if a hook responds with neither in three tries; if the ten
// seconds have passed; or if ctx has ended. Its cause names the hook.
func (w *Webhooks) Call(ctx context.Context, p bridge.Payload) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for _, h := range w.hooks {
		if !h.blocking || !h.subscribes(p.Type) {
			continue
		}
		if err := w.call(ctx, h, p); err != nil {
			return err
		}
	}
	return nil
}

// Ask calls one blocking hook that is subscribed to p.Type, with the tries of Call. A 403
// is a refusal, with messages or without, and so is a 2xx whose JSON has "allowed" or
// "result" other than true. A body that is not sent is no consent.
//
// Errors: those of Call.
func (w *Webhooks) Ask(ctx context.Context, id string, p bridge.Payload) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	h := w.byID[id]
	if h == nil || !h.blocking || !h.subscribes(p.Type) {
		return bridge.ErrHookUnavailable.WithCause(fmt.Errorf("no hook %s is configured for %s", id, p.Type))
	}
	return w.call(ctx, h, p)
}

func (w *Webhooks) call(ctx context.Context, h *hook, p bridge.Payload) error {
	body, err := h.body(ctx, p)
	if errors.Is(err, errCanceled) && p.Type != bridge.EventPreInviter {
		return nil
	}
	if err != nil {
		return notSent(h, err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return unavailable(h, "no webhook-id could be generated")
	}
	var reason string
	for try := range maxTries {
		if try > 0 && !pause(ctx, pauses[try-1]) {
			break
		}
		a, err := h.exchange(ctx, time.Now().Add(h.timeout), id.String(), w.now(), body, func(status int) bool {
			return isClientError(status) || p.Type == bridge.EventPreInviter
		})
		if err != nil {
			reason = errorText(err)
			continue
		}
		if isSuccess(a.status) && p.Type != bridge.EventPreInviter {
			return nil
		}
		if isSuccess(a.status) {
			return consent(h, a)
		}
		reason = statusText(a.status)
		if isClientError(a.status) {
			if messages, ok := parseRefusal(a.body); ok {
				return refused(h, reason, messages)
			}
			if a.status == http.StatusForbidden && p.Type == bridge.EventPreInviter {
				return refused(h, reason, nil)
			}
			reason += " without messages"
		}
	}
	return unavailable(h, reason)
}

// consent returns nil if a 2xx response about an inviter means yes: it has no body, or
// one in JSON. Policy servers that always respond with 200 say no in "allowed" or
// "result".
func consent(h *hook, a result) error {
	body := bytes.TrimSpace(a.body)
	switch {
	case a.body == nil:
		return unavailable(h, statusText(a.status)+" with a body that is too long or incomplete")
	case len(body) == 0:
		return nil
	}
	var said map[string]json.RawMessage
	if json.Unmarshal(body, &said) != nil {
		return unavailable(h, statusText(a.status)+" with a body that is not a JSON object")
	}
	for _, name := range []string{"allowed", "result"} {
		if value, has := said[name]; has && string(value) != "true" {
			return refused(h, statusText(a.status)+" with "+name+" that is not true", nil)
		}
	}
	return nil
}

// pause waits for d and reports whether there is time for another try.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

func refused(h *hook, reason string, messages []bridge.UIText) error {
	err := bridge.ErrHookRefused.WithCause(fmt.Errorf("hook %s: %s", h.id, reason))
	err.Messages = messages
	return err
}

// notSent returns the error for a hook that was not called. Its reason must not
// blame the receiver.
func notSent(h *hook, cause error) error {
	return bridge.ErrHookUnavailable.
		WithReasonf("The request to one of the operator's hooks could not be built. Nothing was changed. The bridge's log names the cause.").
		WithCause(fmt.Errorf("hook %s was not called: %w", h.id, cause))
}

func unavailable(h *hook, reason string) error {
	return bridge.ErrHookUnavailable.WithCause(fmt.Errorf("hook %s: %s", h.id, reason))
}
