package kratos

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"invitebridge/bridge/tlsfault"
)

const (
	userAgent       = "invitebridge"
	maxHeaderBytes  = 64 << 10
	dialTimeout     = 3 * time.Second
	keepAlive       = 15 * time.Second
	idleConnTimeout = 30 * time.Second // shorter than Kratos' 120 s, so that the client closes first
)

var errResponseTooLong = errors.New("the response is too long")

// httpClient returns a client that does not follow redirects, which would send
// the token and the password to another address.
func httpClient(c Config) *http.Client {
	base := c.Transport
	if base == nil {
		base = newHTTPTransport(c.MaxConns)
	}
	return &http.Client{
		Transport: &transport{base: base, headers: c.Headers, authorization: authorization(c.AdminToken), limit: c.MaxResponseBytes},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// newHTTPTransport keeps as many idle connections as it may open, so that
// bursts reuse them. It speaks only HTTP/1, as Kratos does, because the limits
// are per connection.
func newHTTPTransport(maxConns int) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        tlsfault.Config(),
		TLSHandshakeTimeout:    dialTimeout,
		MaxConnsPerHost:        maxConns,
		MaxIdleConns:           maxConns,
		MaxIdleConnsPerHost:    maxConns,
		IdleConnTimeout:        idleConnTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true, // so that the limit applies to the bytes kept in memory
	}
}

// transport adds headers and the token, and limits the response body. It hands
// the body to the [exchange] in the request's context, and to its caller an
// empty one: client-go would decode the body into types that nobody reads.
type transport struct {
	base    http.RoundTripper
	headers func(context.Context, http.Header)
	// authorization is the header of that name; empty: none is sent.
	authorization string
	limit         int64
}

func authorization(token string) string {
	if token == "" {
		return ""
	}
	return "Bearer " + token
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.headers != nil || t.authorization != "" {
		// A RoundTripper must not modify the request.
		r = r.WithContext(r.Context())
		r.Header = r.Header.Clone()
	}
	if t.headers != nil {
		t.headers(r.Context(), r.Header)
	}
	if t.authorization != "" {
		r.Header.Set("Authorization", t.authorization)
	}
	res, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	limit := t.limit
	x, ok := r.Context().Value(exchangeKey{}).(*exchange)
	if ok {
		limit = max(limit, x.limit)
	}
	res.Body = &boundedBody{ReadCloser: res.Body, left: limit}
	if ok {
		x.body, x.bodyErr = readAll(res.Body, min(res.ContentLength, limit))
		_ = res.Body.Close()
		res.Body = http.NoBody
	}
	return res, nil
}

// usualBody is the size of most responses that do not state theirs.
const usualBody = 2 << 10

// readAll reads a body of that length; -1: unknown.
func readAll(body io.Reader, length int64) ([]byte, error) {
	if length < 0 {
		length = usualBody
	}
	var b bytes.Buffer
	b.Grow(int(length) + bytes.MinRead) // so that ReadFrom finds the end without growing it
	_, err := b.ReadFrom(body)
	return b.Bytes(), err
}

// CloseIdleConnections closes the idle connections of the base transport.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// boundedBody returns an error, not EOF, past its limit, so that a truncated
// body is not mistaken for a complete one.
type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n, errResponseTooLong
	}
	return n, err
}
