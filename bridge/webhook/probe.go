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

// Probe goes as far as an attempt at the hook of this id would before its
// request, and sends none, so that nobody is told anything: its host's name is
// resolved, its address judged, and a connection made and closed, with TLS for
// https. Where HTTP_PROXY or HTTPS_PROXY name a proxy for it, the way is by that
// proxy, which for http is then all that was reached.
//
// It ends when ctx does. The error is a text as of a failed attempt, without
// address and secret.
func (w *Webhooks) Probe(ctx context.Context, id string) error {
	h := w.byID[id]
	if h == nil {
		return fmt.Errorf("there is no hook %q", id)
	}
	scheme, address, err := h.address()
	if err != nil {
		return err
	}
	var seen tlsfault.Observer
	conn, err := h.transport.NewClientConn(seen.Attach(ctx), scheme, address)
	if err != nil {
		return errors.New(fault(seen.Explain(err)))
	}
	defer func() { _ = conn.Close() }()
	if seen.Asked() {
		if err := endOf(ctx, conn); err != nil {
			return errors.New(fault(seen.Explain(err)))
		}
	}
	return nil
}

// verdictTime is how long a server that asked for a client certificate may take
// to refuse that it got none.
const verdictTime = time.Second

// endOf waits for the server to end the connection, and gives why it did; nil: it
// keeps it.
func endOf(ctx context.Context, conn *http.ClientConn) error {
	ctx, cancel := context.WithTimeout(ctx, verdictTime)
	defer cancel()
	conn.SetStateHook(func(conn *http.ClientConn) {
		if conn.Err() != nil {
			cancel()
		}
	})
	<-ctx.Done()
	return conn.Err()
}

// address gives what is dialled for the hook's URL.
func (h *hook) address() (scheme, hostport string, err error) {
	u, err := url.Parse(h.url)
	if err != nil {
		return "", "", errors.New("the URL cannot be read")
	}
	host, err := httpguts.PunycodeHostPort(u.Hostname())
	if err != nil {
		return "", "", errors.New("the host's name cannot be resolved")
	}
	return u.Scheme, net.JoinHostPort(host, u.Port()), nil
}
