package kratos

import (
	"context"
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// InactiveOf asks for the states of several identities in one request, and again for each
// that the response does not have: only Kratos' own 404 says that there is none. See
// [bridge.Identities].
func (c *Client) InactiveOf(ctx context.Context, ids ...uuid.UUID) (inactive []uuid.UUID, err error) {
	if len(ids) == 0 {
		return nil, nil // without ids, Kratos lists all identities
	}
	k, ctx, cancel := c.begin(ctx, "inactive_of")
	defer cancel()
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
	var shown []identityState
	if parse(a.body, &shown) != nil || shown == nil {
		return nil, k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, nil)
	}
	for _, i := range shown {
		if !asked[i.ID] || i.State == "" { // ids was ignored
			return nil, k.fail(bridge.OutcomeUnknown, a.status, textMalformedBody, nil)
		}
		delete(asked, i.ID)
		if i.State == stateInactive {
			inactive = append(inactive, i.ID)
		}
	}
	for id := range asked {
		if k.isInactive(ctx, id) {
			inactive = append(inactive, id)
		}
	}
	return inactive, nil
}

type identityState struct {
	ID    uuid.UUID `json:"id"`
	State string    `json:"state"`
}

// isInactive reports whether Kratos says that an identity is inactive, or that there is
// none.
func (k call) isInactive(ctx context.Context, id uuid.UUID) bool {
	a, err := k.read(ctx, k.client.getRequest("/admin/identities/"+id.String()))
	if err != nil {
		return isNotFound(err, messageNotFound)
	}
	var one identityState
	return parse(a.body, &one) == nil && one.ID == id && one.State == stateInactive
}
