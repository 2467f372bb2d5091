package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultBasePath is the default base path of the API on both listeners.
const DefaultBasePath = "/api/v1/invite"

const (
	clientTimeout    = time.Minute // longer than the bridge waits for Kratos and hooks together
	maxResponseBytes = 4 << 20
	clientUserAgent  = "invitebridge"
)

// Client calls the admin API of a bridge. It is safe for concurrent use.
//
// Each method sends one request and returns within a minute or when its context
// ends, unless its comment says otherwise. Redirects are not followed: the key is sent only to the endpoint, through
// the proxy that HTTP_PROXY or HTTPS_PROXY name for it. Responses larger than
// 4 MiB are rejected. Neither errors nor a printed Client contain the key.
//
// Errors: [*Error] if the response is not a success. Any other error means that
// there was no complete response; a request that changes something may
// nevertheless have taken effect.
type Client struct {
	api        string // the endpoint and the base path
	key        string
	http       *http.Client
	retryPause time.Duration
}

// ClientOption configures a new [Client].
type ClientOption func(*clientOptions)

type clientOptions struct{ basePath string }

// WithBasePath sets the base path of the API, the bridge's serve.base_path.
func WithBasePath(path string) ClientOption {
	return func(o *clientOptions) { o.basePath = path }
}

// NewClient returns a client of the admin listener at endpoint, which presents
// key. endpoint is an absolute http or https URL, or unix: and the absolute path
// of a socket. NewClient does not connect. It fails if an argument is invalid;
// the error does not quote the arguments.
func NewClient(endpoint, key string, options ...ClientOption) (*Client, error) {
	o := clientOptions{basePath: DefaultBasePath}
	for _, option := range options {
		option(&o)
	}
	u, socket, err := parseEndpoint(endpoint)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(o.basePath, "/") || strings.ContainsAny(o.basePath, "?#") {
		return nil, errors.New("the base path must begin with / and be a path only, such as " + DefaultBasePath)
	}
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the API key must be printable ASCII without spaces or line breaks, and not empty")
	}
	return &Client{api: u.JoinPath(o.basePath).String(), key: key, http: newHTTPClient(clientTimeout, socket), retryPause: uploadRetryPause}, nil
}

// Format writes the URL of the API, whatever the verb; never the key.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "client of "+c.api) }

// responseMeta is a response without its body.
type responseMeta struct {
	status int
	header http.Header
}

func (c *Client) request(ctx context.Context, method, path string, query url.Values, body []byte) (*http.Request, error) {
	address := strings.TrimSuffix(c.api, "/") + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", clientUserAgent)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, nil
}

// send sends a request without a body and decodes the body of a success into into. path is below
// the base path and begins with a slash.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, into any) (responseMeta, error) {
	r, err := c.request(ctx, method, path, query, nil)
	if err != nil {
		return responseMeta{}, err
	}
	return c.do(c.http, r, into)
}

// do is send for a request that is made already.
func (c *Client) do(client *http.Client, r *http.Request, into any) (responseMeta, error) {
	res, err := client.Do(r)
	if err != nil {
		return responseMeta{}, c.requestError(err)
	}
	defer func() { _ = res.Body.Close() }()
	head := responseMeta{res.StatusCode, res.Header}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxResponseBytes+1))
	if err != nil {
		return head, c.requestError(err)
	}
	switch res.StatusCode {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted:
	default:
		return head, newError(res, text)
	}
	if len(text) > maxResponseBytes {
		return head, unexpectedResponse(res, "The response is larger than 4 MiB.")
	}
	if json.Unmarshal(text, into) != nil {
		return head, unexpectedResponse(res, "The response is not the expected JSON.")
	}
	return head, nil
}

// requestError removes the URL that net/http quotes: its query may contain the
// email address that the caller searches for.
func (c *Client) requestError(err error) error { return requestErrorFrom(c.api, err) }

func requestErrorFrom(address string, err error) error {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err
	}
	return fmt.Errorf("no response from %s: %w", address, err)
}
