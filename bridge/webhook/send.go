package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"invitebridge/bridge"
)

// Send makes one attempt to deliver d to the hook d.Endpoint. The hook's timeout
// includes rendering the body.
//
// AttemptSent: 2xx, even if the response body fails; or the template canceled the
// request. AttemptFailed: a redirect, a template that fails, an endpoint that is
// not configured. AttemptDisabled: 410. AttemptRetry: everything else, with
// RetryAfter if a 429 or a 503 has that header.
func (w *Webhooks) Send(ctx context.Context, d bridge.Dispatch) bridge.SendResult {
	h := w.byID[d.Endpoint]
	if h == nil || h.blocking {
		return bridge.SendResult{Outcome: bridge.AttemptFailed, Detail: "no hook with this id is configured for events that are not pre_ events"}
	}
	deadline := time.Now().Add(h.timeout)
	body, err := h.body(ctx, d.Payload)
	switch {
	case errors.Is(err, errCanceled):
		return bridge.SendResult{Outcome: bridge.AttemptSent, Detail: errCanceled.Error()}
	case errors.Is(err, errSlowTemplate):
		return bridge.SendResult{Outcome: bridge.AttemptRetry, Detail: err.Error()}
	case err != nil:
		return bridge.SendResult{Outcome: bridge.AttemptFailed, Detail: err.Error()}
	}
	a, err := h.exchange(ctx, deadline, d.MessageID.String(), d.At, body, nil)
	if err != nil {
		return bridge.SendResult{Outcome: bridge.AttemptRetry, Detail: errorText(err)}
	}
	return outcome(a, d)
}

// outcome returns the result of a response, which depends on the status alone.
func outcome(a result, d bridge.Dispatch) bridge.SendResult {
	result := bridge.SendResult{Outcome: bridge.AttemptRetry, Status: a.status, Detail: statusText(a.status)}
	switch {
	case isSuccess(a.status):
		result.Outcome, result.Detail = bridge.AttemptSent, ""
	case a.status >= 300 && a.status < 400:
		result.Outcome = bridge.AttemptFailed
		result.Detail += ": redirects are not followed"
	case a.status == http.StatusGone:
		result.Outcome = bridge.AttemptDisabled
		result.Detail += ": the receiver wants no more events"
	case a.status == http.StatusTooManyRequests, a.status == http.StatusServiceUnavailable:
		result.RetryAfter = retryAfter(a.header.Get("Retry-After"), d.At)
	}
	return result
}

func isSuccess(status int) bool { return status >= 200 && status < 300 }

func isClientError(status int) bool { return status >= 400 && status < 500 }

func statusText(status int) string { return fmt.Sprintf("HTTP status %d", status) }
