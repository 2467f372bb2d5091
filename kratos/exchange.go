package kratos

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"sync/atomic"

	"invitebridge/bridge"
	"invitebridge/bridge/tlsfault"
)

// exchange is one request and its response: how far the request got, and the
// body that the transport read.
type exchange struct {
	asked atomic.Bool // a connection was requested
	given atomic.Bool // a connection was obtained: from here on, bytes may have been sent
	stale atomic.Bool // the connection came too late and was closed before anything was sent
	tls   tlsfault.Observer

	limit   int64 // of the body, where greater than [Config.MaxResponseBytes]
	body    []byte
	bodyErr error // why body is not all of it
}

type exchangeKey struct{}

// attach returns the context for the one request of the exchange. cancel ends
// ctx.
func (x *exchange) attach(ctx context.Context, cancel context.CancelFunc) context.Context {
	ctx = context.WithValue(x.tls.Attach(ctx), exchangeKey{}, x)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { x.asked.Store(true) },
		GotConn: func(got httptrace.GotConnInfo) {
			if bridge.Stale(ctx) {
				x.stale.Store(true)
				cancel() // otherwise net/http would try another connection
				_ = got.Conn.Close()
				return
			}
			x.given.Store(true)
		},
	})
}

// neverSent reports whether the request was certainly not sent because it got
// no connection. A custom transport that reports no connection events proves
// nothing.
func (x *exchange) neverSent(err error, customTransport bool) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	if customTransport && !x.asked.Load() {
		return false
	}
	return !x.given.Load()
}
