package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/http/httpguts"

	"invitebridge/bridge/tlsfault"
)

// Probe takes all steps of an attempt that precede the request, and sends none:
// it resolves the host name of the hook with this id, checks the address, and
// opens and closes a connection, with TLS for https. If HTTP_PROXY or HTTPS_PROXY
// apply, it connects through that proxy; for http it then reaches the proxy only.
//
// It returns when ctx ends. The error has the text of a failed attempt, without
// addresses and secrets.
func (w *Webhooks) Probe(ctx context.Context, id string) error {
	h := w.byID[id]
	if h == nil {
		return fmt.Errorf("no hook %q is configured", id)
	}
	u := h.request.URL
	address, err := hostPort(u)
	if err != nil {
		return err
	}
	var seen tlsfault.Observer
	conn, err := h.transport.NewClientConn(seen.Attach(ctx), u.Scheme, address)
	if err != nil {
		return errors.New(errorText(seen.Explain(err)))
	}
	defer func() { _ = conn.Close() }()
	if seen.Asked() {
		if err := endOf(ctx, conn); err != nil {
			return errors.New(errorText(seen.Explain(err)))
		}
	}
	return nil
}

// responseTimeout bounds the wait for a server that requested a client certificate
// to reject the connection without one.
const responseTimeout = time.Second

// endOf waits for the server to close the connection and returns the error; nil:
// the connection is still open after responseTimeout.
func endOf(ctx context.Context, conn *http.ClientConn) error {
	ctx, cancel := context.WithTimeout(ctx, responseTimeout)
	defer cancel()
	conn.SetStateHook(func(conn *http.ClientConn) {
		if conn.Err() != nil {
			cancel()
		}
	})
	<-ctx.Done()
	return conn.Err()
}

// hostPort returns the address to dial for a URL.
func hostPort(u *url.URL) (string, error) {
	host, err := httpguts.PunycodeHostPort(u.Hostname())
	if err != nil {
		return "", errors.New("the host name cannot be resolved")
	}
	return net.JoinHostPort(host, u.Port()), nil
}
