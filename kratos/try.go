package kratos

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"invitebridge/bridge"
)

// onePath lists one identity: the least that the admin API alone can answer,
// and nobody without access to it.
const onePath = "/admin/identities?page_size=1&per_page=1"

// Try says whether [Config.AdminURL] is that of an admin API, and lets the
// bridge in: it lists one identity, and keeps nothing of it. The error is a
// [*bridge.IdentityError], whose Status is 401 or 403 if the token is wrong, and
// 3xx or 404 if something else answers there, such as Kratos' public API.
func (c *Client) Try(ctx context.Context) error {
	k, ctx, cancel := c.begin(ctx, "try")
	defer cancel()
	a, err := k.read(ctx, c.at(onePath))
	if err != nil {
		return k.judge(err, nil)
	}
	if !isList(a.body) {
		return k.fail(bridge.OutcomeUnknown, a.status, textOddBody, nil)
	}
	return nil
}

func isList(body []byte) bool {
	var list []struct{}
	return json.Unmarshal(body, &list) == nil && list != nil
}

// ErrNoDate says that an answer told no time.
var ErrNoDate = errors.New("the answer has no Date header that can be read")

// Clock tells by how much Kratos' clock is ahead of ours, at least; negative:
// behind. It goes by the Date header of an answer, which knows seconds, and so
// finds no difference below one, and none that the time of the call explains.
// ErrNoDate.
func (c *Client) Clock(ctx context.Context) (ahead time.Duration, err error) {
	k, ctx, cancel := c.begin(ctx, "clock")
	defer cancel()
	sent := time.Now()
	a, err := k.read(ctx, c.at(readyPath))
	if err != nil {
		return 0, k.judge(err, nil)
	}
	got := time.Now()
	date, err := http.ParseTime(a.header.Get("Date"))
	switch {
	case err != nil:
		return 0, ErrNoDate
	case date.After(got):
		return date.Sub(got), nil
	case date.Add(time.Second).Before(sent):
		return date.Add(time.Second).Sub(sent), nil
	}
	return 0, nil
}
