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

// DefaultBasePath is where the API is on both listeners, unless configured.
const DefaultBasePath = "/api/v1/invite"

const (
	clientTimeout   = time.Minute // more than what the bridge grants Kratos and hooks together
	maxAnswerBytes  = 4 << 20
	clientUserAgent = "invitebridge"
)

// Client calls the admin API of a bridge. It is safe for concurrent use.
//
// A method sends one request and returns within a minute, or when its context
// ends. An answer that is no success makes a [*Error]; any other error says why
// there was no answer, and a request that changes things may then have had its
// effect. Redirects are not followed: the key goes to the endpoint only, and to
// the proxy that HTTP_PROXY or HTTPS_PROXY name for it. An answer of more than
// 4 MiB is refused. No error and no way of printing a Client shows the key.
type Client struct {
	api  string // the endpoint and the base path
	key  string
	http *http.Client
}

// ClientOption alters a new [Client].
type ClientOption func(*clientOptions)

type clientOptions struct{ basePath string }

// WithBasePath says where the API is: the bridge's serve.base_path.
func WithBasePath(path string) ClientOption {
	return func(o *clientOptions) { o.basePath = path }
}

// NewClient makes a client of the admin listener at endpoint, an absolute http
// or https URL, or unix: and the path of a socket, that shows key. It connects
// to nothing yet. The error tells what is wrong with the arguments.
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
	return &Client{api: u.JoinPath(o.basePath).String(), key: key, http: newHTTPClient(clientTimeout, socket)}, nil
}

// Format writes where the client calls, whatever the verb.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "client of "+c.api) }

// answerHead is what is there of an answer beside its body.
type answerHead struct {
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

// send decodes the body of a success into into. path begins with a slash.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, body []byte, into any) (answerHead, error) {
	r, err := c.request(ctx, method, path, query, body)
	if err != nil {
		return answerHead{}, err
	}
	res, err := c.http.Do(r)
	if err != nil {
		return answerHead{}, c.noAnswer(err)
	}
	defer func() { _ = res.Body.Close() }()
	head := answerHead{res.StatusCode, res.Header}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswerBytes+1))
	if err != nil {
		return head, c.noAnswer(err)
	}
	switch res.StatusCode {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted:
	default:
		return head, newError(res, text)
	}
	if len(text) > maxAnswerBytes {
		return head, unexpected(res, "The answer is longer than 4 MiB.")
	}
	if json.Unmarshal(text, into) != nil {
		return head, unexpected(res, "The answer is not the JSON that was expected.")
	}
	return head, nil
}

// noAnswer leaves out the address that net/http cites: its query says whom a
// caller looks for.
func (c *Client) noAnswer(err error) error { return noAnswerFrom(c.api, err) }

func noAnswerFrom(address string, err error) error {
	var cited *url.Error
	if errors.As(err, &cited) {
		err = cited.Err
	}
	return fmt.Errorf("no answer from %s: %w", address, err)
}
