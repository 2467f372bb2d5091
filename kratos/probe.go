package kratos

import (
	"context"
	"errors"
	"net/http"
	"time"

	"invitebridge/bridge"
)

// listOnePath lists one identity: the smallest request that only the admin API
// answers, and only to authorized callers.
const listOnePath = "/admin/identities?page_size=1&per_page=1"

// Probe checks that [Config.AdminURL] is an admin API that the bridge may use.
// It lists one identity and discards it.
//
// Errors: a [*bridge.IdentityError], whose Status is 401 or 403 if the token is
// wrong, and 3xx or 404 if another server responds, such as Kratos' public API.
func (c *Client) Probe(ctx context.Context) error {
	k, ctx, cancel := c.begin(ctx, "try")
	defer cancel()
	a, err := k.read(ctx, c.getRequest(listOnePath))
	if err != nil {
		return k.classify(err, nil)
	}
	if !isList(a.body) {
		return k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, nil)
	}
	return nil
}

func isList(body []byte) bool {
	var list []struct{}
	return parse(body, &list) == nil && list != nil
}

// ErrNoDateHeader reports a response without a valid Date header.
var ErrNoDateHeader = errors.New("the response has no valid Date header")

// ClockSkew returns how far Kratos' clock is ahead of the local clock, at
// least; negative: behind. It uses the Date header of a response, which has a
// resolution of one second, so it finds no difference below one second and none
// that the duration of the call explains.
//
// Errors: ErrNoDateHeader if the response has no valid Date header; a
// *bridge.IdentityError if there was no usable response.
func (c *Client) ClockSkew(ctx context.Context) (ahead time.Duration, err error) {
	k, ctx, cancel := c.begin(ctx, "clock")
	defer cancel()
	sent := time.Now()
	a, err := k.read(ctx, c.getRequest(readyPath))
	if err != nil {
		return 0, k.classify(err, nil)
	}
	got := time.Now()
	date, err := http.ParseTime(a.header.Get("Date"))
	switch {
	case err != nil:
		return 0, ErrNoDateHeader
	case date.After(got):
		return date.Sub(got), nil
	case date.Add(time.Second).Before(sent):
		return date.Add(time.Second).Sub(sent), nil
	}
	return 0, nil
}
