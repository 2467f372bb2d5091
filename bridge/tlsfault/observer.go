package tlsfault

import (
	"context"
	"crypto/tls"
	"sync/atomic"
)

// Observer records, for one connection, what its error does not say: whether the
// server requested a client certificate. The zero value is ready to use.
type Observer struct{ asked atomic.Bool }

// Watch returns a copy of c for one connection, observed by o.
func (o *Observer) Watch(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		o.asked.Store(true)
		return &tls.Certificate{}, nil
	}
	return c
}

// Asked reports whether the server requested a client certificate. A TLS 1.3
// server rejects the response only after the client has completed the handshake.
func (o *Observer) Asked() bool { return o.asked.Load() }

type observerKey struct{}

// Attach returns a context whose connections, made with a [Config], are observed
// by o.
func (o *Observer) Attach(ctx context.Context) context.Context {
	return context.WithValue(ctx, observerKey{}, o)
}

// Config returns the configuration for clients that use [Observer.Attach]: TLS 1.2
// or later, no client certificate.
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
