package kratos

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/tlsfault"
)

const (
	userAgent       = "invitebridge"
	maxHeaderBytes  = 64 << 10
	dialTimeout     = 3 * time.Second
	keepAlive       = 15 * time.Second
	idleConnTimeout = 30 * time.Second // sooner than Kratos' 120 s, so that the client closes first
)

var errAnswerTooLong = errors.New("the answer is too long")

// httpClient makes a client that follows no redirect: it would carry the token
// and the password to where the answer says.
func httpClient(c Config) *http.Client {
	base := c.Transport
	if base == nil {
		base = connections(c.MaxConns)
	}
	return &http.Client{
		Transport: &transport{base: base, headers: c.Headers, token: c.AdminToken, limit: c.MaxAnswer},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// connections keeps as many idle as it may open: a burst then reuses them. It
// speaks HTTP/1 only, as Kratos does, because the limits are per connection.
func connections(most int) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        tlsfault.Config(),
		TLSHandshakeTimeout:    dialTimeout,
		MaxConnsPerHost:        most,
		MaxIdleConns:           most,
		MaxIdleConnsPerHost:    most,
		IdleConnTimeout:        idleConnTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true, // so that the bound is on what is kept
	}
}

// transport adds headers and the token, and bounds the answer.
type transport struct {
	base    http.RoundTripper
	headers func(context.Context, http.Header)
	token   string
	limit   int64
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.headers != nil || t.token != "" {
		r = r.Clone(r.Context()) // whoever sends it may not be written to
	}
	if t.headers != nil {
		t.headers(r.Context(), r.Header)
	}
	if t.token != "" {
		r.Header.Set("Authorization", "Bearer "+t.token)
	}
	res, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = &boundedBody{ReadCloser: res.Body, left: t.limit}
	return res, nil
}

// CloseIdleConnections lets http.Client reach the connections below.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// boundedBody fails, rather than ends, past its limit: what was cut off must
// not look whole.
type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n, errAnswerTooLong
	}
	return n, err
}

// probe watches one request on its way out.
type probe struct {
	asked atomic.Bool // a connection was asked for
	given atomic.Bool // a connection was given: from here on, bytes may have left
	stale atomic.Bool // it came too late, and was closed before they could
	tls   tlsfault.Observer
}

// attach watches the requests of ctx, which cancel ends.
func (p *probe) attach(ctx context.Context, cancel context.CancelFunc) context.Context {
	return httptrace.WithClientTrace(p.tls.Attach(ctx), &httptrace.ClientTrace{
		GetConn: func(string) { p.asked.Store(true) },
		GotConn: func(got httptrace.GotConnInfo) {
			if bridge.Stale(ctx) {
				p.stale.Store(true)
				cancel() // or it would be tried with another connection
				_ = got.Conn.Close()
				return
			}
			p.given.Store(true)
		},
	})
}

// stayed says whether the request certainly never left: its connection was
// never made. A foreign transport that reports nothing proves nothing.
func (p *probe) stayed(err error, foreign bool) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	if foreign && !p.asked.Load() {
		return false
	}
	return !p.given.Load()
}
