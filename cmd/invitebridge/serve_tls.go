package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"invitebridge/config"
)

// certificate is what a listener presents in a handshake. It can be replaced
// during handshakes.
type certificate struct {
	current atomic.Pointer[tls.Certificate]
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}

// loadCertificate reads a certificate and returns a function that makes the
// listener use it. For plain HTTP it reads nothing, and install does nothing.
func (l *listener) loadCertificate(from config.TLS) (install func(), err error) {
	if l.certificate == nil {
		return func() {}, nil
	}
	read, err := readCertificate(from)
	if err != nil {
		return nil, fmt.Errorf("serve.%s.tls: %w", l.name, err)
	}
	return func() { l.certificate.current.Store(&read) }, nil
}

func readCertificate(from config.TLS) (tls.Certificate, error) {
	cert, certErr := readPEM(from.Cert)
	key, keyErr := readPEM(from.Key)
	if err := errors.Join(certErr, keyErr); err != nil {
		return tls.Certificate{}, err
	}
	// Its errors describe the form only, and quote nothing of the key.
	loaded, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("the certificate and its key cannot be used together: %w", err)
	}
	return loaded, nil
}

func readPEM(from config.PEM) ([]byte, error) {
	if from.Path == "" {
		return from.Decode(), nil
	}
	return os.ReadFile(from.Path)
}
