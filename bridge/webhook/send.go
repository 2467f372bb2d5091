package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"invitebridge/bridge"
)

// Send makes one attempt to deliver d to the hook d.Endpoint, within that
// hook's timeout, the making of the body included.
//
// Sent: 2xx, whatever became of the answer's body; or the template cancelled
// the request. Failed: a redirect, a template that fails, an endpoint that is
// not configured. Disabled: 410. Retry: everything else, with RetryAfter where
// a 429 or a 503 gave one.
func (w *Webhooks) Send(ctx context.Context, d bridge.Dispatch) bridge.Result {
	h := w.byID[d.Endpoint]
	if h == nil || h.blocking {
		return bridge.Result{Outcome: bridge.Failed, Detail: "no hook of this id is configured to be told of events"}
	}
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	body, err := h.body(ctx, d.Payload)
	switch {
	case errors.Is(err, errCancelled):
		return bridge.Result{Outcome: bridge.Sent, Detail: errCancelled.Error()}
	case errors.Is(err, errSlowTemplate):
		return bridge.Result{Outcome: bridge.Retry, Detail: err.Error()}
	case err != nil:
		return bridge.Result{Outcome: bridge.Failed, Detail: err.Error()}
	}
	a, err := h.exchange(ctx, d.MessageID.String(), d.At, body, nil)
	if err != nil {
		return bridge.Result{Outcome: bridge.Retry, Detail: fault(err)}
	}
	return outcome(a, d)
}

// outcome judges an answer by its status alone.
func outcome(a answer, d bridge.Dispatch) bridge.Result {
	result := bridge.Result{Outcome: bridge.Retry, Status: a.status, Detail: statusText(a.status)}
	switch {
	case isSuccess(a.status):
		result.Outcome, result.Detail = bridge.Sent, ""
	case a.status >= 300 && a.status < 400:
		result.Outcome = bridge.Failed
		result.Detail += ": redirects are not followed"
	case a.status == http.StatusGone:
		result.Outcome = bridge.Disabled
		result.Detail += ": the receiver wants no more"
	case a.status == http.StatusTooManyRequests, a.status == http.StatusServiceUnavailable:
		result.RetryAfter = retryAfter(a.header.Get("Retry-After"), d.At)
	}
	return result
}

func isSuccess(status int) bool { return status >= 200 && status < 300 }

func isClientError(status int) bool { return status >= 400 && status < 500 }

func statusText(status int) string { return fmt.Sprintf("HTTP status %d", status) }
