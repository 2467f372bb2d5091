package webhook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

const (
	// askTime bounds one Ask. What is missing to the ten seconds of the
	// contract is for a busy machine to notice that they are over.
	askTime  = 10*time.Second - 250*time.Millisecond
	maxTries = 3
)

// pauses are what lies between the tries of one hook.
var pauses = [maxTries - 1]time.Duration{100 * time.Millisecond, 400 * time.Millisecond}

// Ask asks the hooks that want p.Type, one after the other, in the order of the
// configuration. Nil: all of them answered 2xx. [bridge.ErrHookRefused] with
// what the first one said that answered 4xx with messages in Kratos' shape; the
// others are not asked. [bridge.ErrHookUnavailable] if a hook's body could
// not be made, which its reason says; or if a hook gave no such answer in three
// tries, or ten seconds went by in all, or ctx ended; its cause names the hook. A
// try takes no longer than the hook's timeout: one that is
// longer than ten seconds leaves room for one try only.
//
// Each hook gets one webhook-id for all its tries, and none twice.
func (w *Webhooks) Ask(ctx context.Context, p bridge.Payload) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	for _, h := range w.hooks {
		if !h.blocking || !h.wants(p.Type) {
			continue
		}
		if err := w.ask(ctx, h, p); err != nil {
			return err
		}
	}
	return nil
}

func (w *Webhooks) ask(ctx context.Context, h *hook, p bridge.Payload) error {
	body, err := h.body(ctx, p)
	if errors.Is(err, errCancelled) {
		return nil
	}
	if err != nil {
		return unmade(h, err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return unavailable(h, "there is no randomness for a webhook-id")
	}
	var why string
	for try := range maxTries {
		if try > 0 && !pause(ctx, pauses[try-1]) {
			break
		}
		a, err := h.exchange(ctx, id.String(), w.now(), body, isClientError)
		if err != nil {
			why = fault(err)
			continue
		}
		if isSuccess(a.status) {
			return nil
		}
		why = statusText(a.status)
		if isClientError(a.status) {
			if messages, ok := parseVeto(a.body); ok {
				return refused(h, why, messages)
			}
			why += " without messages"
		}
	}
	return unavailable(h, why)
}

// pause says whether there is time for another try.
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

func refused(h *hook, why string, messages []bridge.UIText) error {
	err := bridge.ErrHookRefused.Because(fmt.Errorf("hook %s: %s", h.id, why))
	err.Messages = messages
	return err
}

// unmade says of a hook that it was not called: it cannot have failed to answer.
func unmade(h *hook, why error) error {
	return bridge.ErrHookUnavailable.
		Reasonf("The request to a hook of the operator could not be made. Nothing was changed. The operator finds the cause in the log.").
		Because(fmt.Errorf("hook %s was not called: %w", h.id, why))
}

func unavailable(h *hook, why string) error {
	return bridge.ErrHookUnavailable.Because(fmt.Errorf("hook %s: %s", h.id, why))
}
