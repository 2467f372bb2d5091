package kratos

import (
	"context"
	"errors"
	"io"
	"net/http"

	ory "github.com/ory/client-go"

	"invitebridge/bridge"
)

// call is one method of the Client at work. It turns whatever happens to a
// request into what is known of its effect.
type call struct {
	client  *Client
	op      string
	secrets []string // must not be in an error
}

// begin bounds a method in time. Cancel must be called.
func (c *Client) begin(ctx context.Context, op string, secrets ...string) (call, context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	return call{client: c, op: op, secrets: append(secrets, c.config.AdminToken)}, ctx, cancel
}

// request sends one request. The answer's body may have been read already, if
// it can be read again: that is what client-go does.
type request func(ctx context.Context) (*http.Response, error)

// answer is a success.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// errRefused carries an answer that is no success, to be judged by the method.
type errRefused struct {
	status int
	body   []byte
}

func (errRefused) Error() string { return "refused" }

// write sends one request once, and gives a 2xx answer. The error is an
// errRefused for any other, bridge.ErrIdentityRace if the request was stale before
// it could be sent, and a *bridge.IdentityError for none.
func (k call) write(ctx context.Context, send request) (answer, error) {
	// A context that has ended by now must not leave the outcome unknown of what
	// was never tried.
	if err := ctx.Err(); err != nil {
		return answer{}, k.fail(bridge.OutcomeNotDone, 0, textNotSent, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var p probe
	res, err := send(p.attach(ctx, cancel))
	if p.stale.Load() {
		return answer{}, bridge.ErrIdentityRace
	}
	if res == nil {
		if p.stayed(err, k.client.foreign) {
			return answer{}, k.fail(bridge.OutcomeNotDone, 0, textNotSent, p.tls.Explain(err))
		}
		return answer{}, k.fail(bridge.OutcomeUnknown, 0, textNoAnswer, p.tls.Explain(err))
	}
	defer func() { _ = res.Body.Close() }()
	// What client-go makes of the answer does not count, only whether it could
	// read it.
	var opinion *ory.GenericOpenAPIError
	if err != nil && !errors.As(err, &opinion) {
		return answer{}, k.fail(bridge.OutcomeUnknown, res.StatusCode, textBrokeOff, err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, k.fail(bridge.OutcomeUnknown, res.StatusCode, textBrokeOff, err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return answer{}, errRefused{status: res.StatusCode, body: body}
	}
	return answer{status: res.StatusCode, header: res.Header, body: body}, nil
}

// read sends a request that changes nothing, and once more if it got no answer
// while there was time for another. Its errors are those of write.
func (k call) read(ctx context.Context, send request) (answer, error) {
	a, err := k.write(ctx, send)
	var e *bridge.IdentityError
	if errors.As(err, &e) && ctx.Err() == nil {
		return k.write(ctx, send)
	}
	return a, err
}

// judge gives what is known after an answer that is no success. Statuses that
// mean something to the method alone are in own.
func (k call) judge(err error, own map[int]error) error {
	var r errRefused
	if !errors.As(err, &r) {
		return err
	}
	if meaning, ok := own[r.status]; ok && (r.status != http.StatusNotFound || says404(err, messageNotFound)) {
		return meaning
	}
	p, _ := parseProblem(r)
	switch {
	case r.status >= 500:
		return k.fail(bridge.OutcomeUnknown, r.status, k.answered(r, p), nil)
	case r.status == http.StatusTooManyRequests, r.status == http.StatusTooEarly, r.status == http.StatusRequestTimeout:
		return k.fail(bridge.OutcomeNotDone, r.status, k.answered(r, p), nil)
	}
	return k.fail(bridge.OutcomeRefused, r.status, k.answered(r, p), nil)
}
