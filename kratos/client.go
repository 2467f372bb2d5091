package kratos

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"

	ory "github.com/ory/client-go"

	"invitebridge/bridge"
)

// Client implements the bridge's identity system with Kratos' admin API. Every
// method returns within [Config.Timeout], except CreateAll. A Client is safe for
// concurrent use.
type Client struct {
	config  Config
	name    string // names the API in errors
	http    *http.Client
	api     ory.IdentityAPI
	public  *PublicClient // nil: schemas are not read
	schemas *Schemas      // nil if public is
	// customTransport is set if the caller supplied the transport, which may
	// not report when a request is sent.
	customTransport bool
}

var _ bridge.Identities = (*Client)(nil)

// New returns a Client without connecting. The error lists every problem of the
// configuration.
func New(config Config) (*Client, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Client{config: config, name: "admin API", http: httpClient(config), customTransport: config.Transport != nil}
	generated := ory.NewConfiguration()
	generated.Servers = ory.ServerConfigurations{{URL: config.AdminURL}}
	generated.HTTPClient = c.http
	generated.UserAgent = userAgent
	c.api = ory.NewAPIClient(generated).IdentityAPI
	if config.PublicURL != "" {
		if c.public, err = NewPublicClient(config.PublicURL, config.Timeout); err != nil {
			return nil, err
		}
		c.schemas = NewSchemas(c.public, nil)
	}
	return c, nil
}

// String returns the Client's address without its token.
func (c *Client) String() string { return "Kratos at " + c.config.AdminURL }

// GoString keeps the token out of %#v.
func (c *Client) GoString() string { return c.String() }

// Close closes idle connections. Calls in progress are not affected.
func (c *Client) Close() {
	c.http.CloseIdleConnections()
	if c.public != nil {
		c.public.Close()
	}
}

// Ping checks that Kratos and its database are ready. The path is under /admin
// in every version, and only the status counts: see
// https://www.ory.com/docs/kratos/guides/health-check.
func (c *Client) Ping(ctx context.Context) error {
	k, ctx, cancel := c.begin(ctx, "ping")
	defer cancel()
	_, err := k.read(ctx, c.getRequest(readyPath))
	return k.classify(err, nil)
}

const readyPath = "/admin/health/ready"

// getRequest returns a GET of a path and query that client-go does not offer,
// or offers only with more data than needed.
func (c *Client) getRequest(path string) request { return c.send(http.MethodGet, path) }

// send returns a request without a body.
func (c *Client) send(method, path string) request {
	return func(ctx context.Context) (*http.Response, error) { return c.do(ctx, method, path, nil, nil) }
}

// post returns a POST of a JSON body that client-go does not offer. The headers are
// sent in addition.
func (c *Client) post(path string, body []byte, headers http.Header) request {
	return func(ctx context.Context) (*http.Response, error) {
		return c.do(ctx, http.MethodPost, path, bytes.NewReader(body), headers)
	}
}

func (c *Client) do(ctx context.Context, method, path string, body io.Reader, headers http.Header) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.config.AdminURL+path, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", userAgent)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json") // otherwise Kratos redirects
	}
	maps.Copy(r.Header, headers)
	return c.http.Do(r)
}
