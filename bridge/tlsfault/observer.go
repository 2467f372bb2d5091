package tlsfault

import (
	"context"
	"crypto/tls"
	"sync/atomic"
)

// Observer watches one connection, and knows what its error does not say: whether
// the server asked for a client certificate. Its zero value is ready.
type Observer struct{ asked atomic.Bool }

// Watch gives a copy of c for one connection, which the Observer watches.
func (o *Observer) Watch(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		o.asked.Store(true)
		return &tls.Certificate{}, nil
	}
	return c
}

// Asked says whether the server asked for a client certificate. In TLS 1.3 it
// judges the answer after the client has ended the handshake.
func (o *Observer) Asked() bool { return o.asked.Load() }

type observerKey struct{}

// Attach has connections that are made for ctx, with a [Config], watched.
func (o *Observer) Attach(ctx context.Context) context.Context {
	return context.WithValue(ctx, observerKey{}, o)
}

// Config is what clients whose connections have an Observer each start from: TLS
// 1.2 or later, and no client certificate.
func Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetClientCertificate: func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if o, ok := info.Context().Value(observerKey{}).(*Observer); ok {
				o.asked.Store(true)
			}
			return &tls.Certificate{}, nil
		},
	}
}
