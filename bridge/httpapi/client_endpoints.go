package httpapi

import (
	"context"
	"net/http"
	"net/url"

	"invitebridge/bridge"
)

// Endpoints returns all delivery endpoints, sorted by id.
func (c *Client) Endpoints(ctx context.Context) ([]bridge.Endpoint, error) {
	list := []bridge.Endpoint{}
	_, err := c.send(ctx, http.MethodGet, "/endpoints", nil, &list)
	return list, err
}

// EnableEndpoint re-enables an endpoint that was disabled because its receiver
// responded with 410. It has no effect on an enabled endpoint.
func (c *Client) EnableEndpoint(ctx context.Context, id string) (e bridge.Endpoint, err error) {
	_, err = c.send(ctx, http.MethodPost, "/endpoints/"+url.PathEscape(id)+"/enable", nil, &e)
	return e, err
}
