package kratos

import (
	"context"
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// ActiveOf asks for the states of several identities in one request. See
// [bridge.Identities].
func (c *Client) ActiveOf(ctx context.Context, ids ...uuid.UUID) (active []uuid.UUID, err error) {
	k, ctx, cancel := c.begin(ctx, "active_of")
	defer cancel()
	if len(ids) == 0 {
		return nil, nil // without ids, Kratos lists all identities
	}
	k.items = len(ids)
	query := url.Values{"consistency": {"strong"}, "page_size": {strconv.Itoa(len(ids))}}
	asked := make(map[uuid.UUID]bool, len(ids))
	for _, id := range ids {
		query.Add("ids", id.String())
		asked[id] = true
	}
	a, err := k.read(ctx, c.getRequest("/admin/identities?"+query.Encode()))
	if err != nil {
		return nil, k.classify(err, nil)
	}
	var shown []struct {
		ID    uuid.UUID `json:"id"`
		State string    `json:"state"`
	}
	if parse(a.body, &shown) != nil || shown == nil {
		return nil, k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, nil)
	}
	for _, i := range shown {
		if !asked[i.ID] || i.State == "" { // ids was ignored
			return nil, k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, nil)
		}
		if i.State == "active" {
			active = append(active, i.ID)
		}
	}
	return active, nil
}
