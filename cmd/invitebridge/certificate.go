package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"invitebridge/config"
)

// certificate is what a listener shows in a handshake. It can be replaced while
// handshakes go on.
type certificate struct {
	current atomic.Pointer[tls.Certificate]
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}

// prepare reads a certificate, and gives what has the listener show it: nothing,
// if it speaks plain HTTP.
func (l *listener) prepare(from config.TLS) (show func(), err error) {
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
	// Its errors speak of the form alone, and cite nothing of the key.
	loaded, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("the certificate and its key do not fit: %w", err)
	}
	return loaded, nil
}

func readPEM(from config.PEM) ([]byte, error) {
	if from.Path == "" {
		return from.Decode(), nil
	}
	return os.ReadFile(from.Path)
}
