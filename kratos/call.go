package kratos

import (
	"context"
	"errors"
	"net/http"
	"time"

	"invitebridge/bridge"
)

// call is one running method of the Client. It classifies what happens to a
// request by what is known of its effect.
type call struct {
	client  *Client
	op      string
	secrets []string // must not appear in an error
	cancel  context.CancelFunc
	// items is the number of identities that a request is about; 0: one. Its
	// response may be longer.
	items int
}

// begin starts a call bounded by [Config.Timeout]. The caller must call cancel.
func (c *Client) begin(ctx context.Context, op string, secrets ...string) (call, context.Context, context.CancelFunc) {
	return c.beginFor(ctx, c.config.Timeout, op, secrets...)
}

func (c *Client) beginFor(ctx context.Context, timeout time.Duration, op string, secrets ...string) (call, context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	return call{client: c, op: op, secrets: append(secrets, c.config.AdminToken), cancel: cancel}, ctx, cancel
}

// request sends one request. The body of the response goes to the [exchange] in
// ctx.
type request func(ctx context.Context) (*http.Response, error)

// response is a 2xx response.
type response struct {
	status int
	header http.Header
	body   []byte
}

// statusError carries a response other than 2xx. The method that sent the
// request classifies it.
type statusError struct {
	status int
	body   []byte
}

func (statusError) Error() string { return "unexpected status" }

// write sends one request once and returns a 2xx response. A request that became
// stale before it could be sent also ends the call's context.
//
// Errors: a statusError for any other status; bridge.ErrIdentityRace if the
// request became stale before it could be sent; a *bridge.IdentityError if
// there was no response.
func (k call) write(ctx context.Context, send request) (response, error) {
	// A context that has already ended must not leave the outcome of a request
	// unknown that was never sent.
	if err := ctx.Err(); err != nil {
		return response{}, k.fail(bridge.OutcomeNotApplied, 0, textNotSent, err)
	}
	x := exchange{limit: int64(k.items) * responsePerItem}
	res, err := send(x.attach(ctx, k.cancel))
	if x.stale.Load() {
		return response{}, bridge.ErrIdentityRace
	}
	if res == nil {
		if x.neverSent(err, k.client.customTransport) {
			return response{}, k.fail(bridge.OutcomeNotApplied, 0, textNotSent, x.tls.Explain(err))
		}
		return response{}, k.fail(bridge.OutcomeUnknown, 0, textNoResponse, x.tls.Explain(err))
	}
	defer func() { _ = res.Body.Close() }()
	// err is client-go's opinion of a response whose body it did not get.
	if x.bodyErr != nil {
		return response{}, k.fail(bridge.OutcomeUnknown, res.StatusCode, textTruncated, x.bodyErr)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return response{}, statusError{status: res.StatusCode, body: x.body}
	}
	return response{status: res.StatusCode, header: res.Header, body: x.body}, nil
}

// read sends a request that changes nothing. If there was no response and ctx
// has not ended, it sends the request once more. Its errors are those of write.
func (k call) read(ctx context.Context, send request) (response, error) {
	a, err := k.write(ctx, send)
	if err == nil {
		return a, nil
	}
	var e *bridge.IdentityError
	if errors.As(err, &e) && ctx.Err() == nil {
		return k.write(ctx, send)
	}
	return a, err
}

// classify turns a statusError into what is known of the call's effect; other
// errors pass through. byStatus maps statuses with a meaning of their own for
// the method.
func (k call) classify(err error, byStatus map[int]error) error {
	var r statusError
	if !errors.As(err, &r) {
		return err
	}
	if meaning, ok := byStatus[r.status]; ok && (r.status != http.StatusNotFound || isNotFound(err, messageNotFound)) {
		return meaning
	}
	p, _ := parseProblem(r)
	switch {
	case r.status >= 500:
		return k.fail(bridge.OutcomeUnknown, r.status, k.describe(r, p), nil)
	case r.status == http.StatusTooManyRequests, r.status == http.StatusTooEarly, r.status == http.StatusRequestTimeout:
		return k.fail(bridge.OutcomeNotApplied, r.status, k.describe(r, p), nil)
	}
	return k.fail(bridge.OutcomeRejected, r.status, k.describe(r, p), nil)
}
