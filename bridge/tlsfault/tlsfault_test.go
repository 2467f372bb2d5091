package tlsfault_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"invitebridge/bridge/tlsfault"
	"invitebridge/bridge/tlsfault/tlstest"
)

// TestExplain: each error is identified over TCP, during the handshake and after
// it.
func TestExplain(t *testing.T) {
	for _, server := range tlstest.Servers() {
		t.Run(server.Name, func(t *testing.T) {
			address := tlstest.Serve(t, server.TLS, http.NotFoundHandler())
			var watched, attached tlsfault.Observer
			config := tlsfault.Config()
			config.RootCAs = tlstest.Pool()
			for name, o := range map[string]*tlsfault.Observer{"watched": &watched, "attached": &attached} {
				own, ctx := config, t.Context()
				if o == &watched {
					own = o.Watch(config)
				} else {
					ctx = o.Attach(ctx)
				}
				err := meet(ctx, address, own)
				if got := o.Explain(fmt.Errorf("wrapped: %w", err)); !strings.HasPrefix(got.Error(), server.Want) {
					t.Errorf("%s: got %q of %v, want %q", name, got, err, server.Want)
				}
			}
		})
	}
}

// meet returns the error of a client that connects and reads one byte.
func meet(ctx context.Context, address string, config *tls.Config) error {
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Read(make([]byte, 1))
	return err
}

func TestExplainOthers(t *testing.T) {
	var o tlsfault.Observer
	for _, err := range []error{
		nil, errors.New("x"), context.Canceled, &net.OpError{Op: "dial", Err: errors.New("refused")},
		&net.OpError{Op: "remote error", Err: errors.New("of another protocol")}, syscall.ECONNRESET,
	} {
		if got := o.Explain(err); !errors.Is(got, err) {
			t.Errorf("%v: %q", err, got)
		}
	}
	for err, want := range map[error]tlsfault.Error{
		tls.AlertError(80): "TLS: the server sent an alert: internal error",
		tls.AlertError(71): tlsfault.NoCipher,
		errors.New("tls: server selected unsupported protocol version 301"): tlsfault.BadVersion,
		errors.New("tls: server chose an unconfigured cipher suite"):        tlsfault.Failed,
		tls.RecordHeaderError{Msg: "x"}:                                     tlsfault.NoTLS,
	} {
		if got := o.Explain(err); !errors.Is(got, want) {
			t.Errorf("%v: %q", err, got)
		}
	}
}
