package httpapi

import (
	"context"
	"net/http"
	"net/url"

	"invitebridge/bridge"
)

// Endpoints gives all places that messages go to, sorted by id.
func (c *Client) Endpoints(ctx context.Context) ([]bridge.Endpoint, error) {
	list := []bridge.Endpoint{}
	_, err := c.send(ctx, http.MethodGet, "/endpoints", nil, nil, &list)
	return list, err
}

// EnableEndpoint has the bridge send again to an endpoint whose receiver
// answered 410. One that is enabled stays as it is.
func (c *Client) EnableEndpoint(ctx context.Context, id string) (e bridge.Endpoint, err error) {
	_, err = c.send(ctx, http.MethodPost, "/endpoints/"+url.PathEscape(id)+"/enable", nil, nil, &e)
	return e, err
}
