package kratos

import (
	"context"
	"net/http"

	ory "github.com/ory/client-go"

	"invitebridge/bridge"
)

// Client is Kratos as the bridge's identity system. Every method returns within
// [Config.Timeout]. A Client is safe for concurrent use.
type Client struct {
	config  Config
	name    string // of the API in errors
	http    *http.Client
	api     ory.IdentityAPI
	public  *Public  // nil: no schema is read
	schemas *Schemas // as public
	// foreign says that the transport was given: it may not tell when a
	// request leaves.
	foreign bool
}

var _ bridge.Identities = (*Client)(nil)

// New makes a Client. It connects to nothing yet. The error names everything
// that is wrong with the configuration.
func New(config Config) (*Client, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Client{config: config, name: "admin API", http: httpClient(config), foreign: config.Transport != nil}
	generated := ory.NewConfiguration()
	generated.Servers = ory.ServerConfigurations{{URL: config.AdminURL}}
	generated.HTTPClient = c.http
	generated.UserAgent = userAgent
	c.api = ory.NewAPIClient(generated).IdentityAPI
	if config.PublicURL != "" {
		if c.public, err = NewPublic(config.PublicURL, config.Timeout); err != nil {
			return nil, err
		}
		c.schemas = NewSchemas(c.public, nil)
	}
	return c, nil
}

// String names the Client, without its token.
func (c *Client) String() string { return "Kratos at " + c.config.AdminURL }

// GoString hides the token from %#v.
func (c *Client) GoString() string { return c.String() }

// Close closes connections that are idle. Calls under way are not disturbed.
func (c *Client) Close() {
	c.http.CloseIdleConnections()
	if c.public != nil {
		c.public.Close()
	}
}

// Ping asks whether Kratos and its database are ready. The address is under
// /admin on every version, and only the status counts: see
// https://www.ory.com/docs/kratos/guides/health-check.
func (c *Client) Ping(ctx context.Context) error {
	k, ctx, cancel := c.begin(ctx, "ping")
	defer cancel()
	_, err := k.read(ctx, c.at(readyPath))
	return k.judge(err, nil)
}

const readyPath = "/admin/health/ready"

// at makes a GET of a path with its query, where client-go has none, or has
// one that asks for more than is wanted.
func (c *Client) at(path string) request { return c.send(http.MethodGet, path) }

// send makes a request without a body.
func (c *Client) send(method, path string) request {
	return func(ctx context.Context) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, method, c.config.AdminURL+path, nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("User-Agent", userAgent)
		return c.http.Do(r)
	}
}
