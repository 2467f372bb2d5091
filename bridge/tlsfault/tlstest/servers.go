// Package tlstest provides real TLS servers to which connections fail, for the
// tests of package tlsfault and of the packages that use it.
package tlstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Server is the configuration of a server and the expected error.
type Server struct {
	Name string
	TLS  *tls.Config
	// Want is the beginning of the error text.
	Want string
}

// Servers returns one server for each error. Their certificates are for 127.0.0.1
// and signed by the authority that [Trust] adds, except where that is the error.
func Servers() []Server {
	ours := authority()
	valid := ours.issue(time.Hour, net.IPv4(127, 0, 0, 1))
	with := func(certificate tls.Certificate, change func(*tls.Config)) *tls.Config {
		c := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS10} // #nosec G402 -- an old version is one of the errors
		if change != nil {
			change(c)
		}
		return c
	}
	demanding := func(version uint16) *tls.Config {
		return with(valid, func(c *tls.Config) {
			c.ClientAuth, c.MinVersion, c.MaxVersion = tls.RequireAnyClientCert, version, version
		})
	}
	const wantsClient = "TLS: the server requires a client certificate"
	return []Server{
		{"protocol version", with(valid, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11 }), "TLS: no common protocol version"},
		{"client certificate in TLS 1.2", demanding(tls.VersionTLS12), wantsClient},
		{"client certificate in TLS 1.3", demanding(tls.VersionTLS13), wantsClient},
		{"no common cipher suite", with(valid, func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}
		}), "TLS: no common cipher suite"},
		{"unknown name", &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return nil, nil
		}}, "TLS: the server does not recognize the host name"},
		{"unknown authority", with(newAuthority().issue(time.Hour, net.IPv4(127, 0, 0, 1)), nil), "TLS: the certificate is signed by an unknown authority"},
		{"expired", with(ours.issue(-time.Minute, net.IPv4(127, 0, 0, 1)), nil), "TLS: the certificate has expired"},
		{"another name", with(ours.issue(time.Hour, net.IPv4(127, 0, 0, 2)), nil), "TLS: the certificate is for another name: other.test"},
	}
}

// Pool returns a pool with only the authority.
func Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(authority().certificate)
	return pool
}

// Trust makes this process trust the authority and no other. TestMain calls it
// before the first TLS connection, and remove at the end.
func Trust() (remove func(), err error) {
	dir, err := os.MkdirTemp("", "tlstest")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority().certificate.Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	return func() { _ = os.RemoveAll(dir) }, os.Setenv("SSL_CERT_FILE", file)
}

var authority = sync.OnceValue(newAuthority)

type issuer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority() issuer {
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "tlstest"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	certificate, key := sign(template, nil)
	return issuer{certificate, key}
}

func (i issuer) issue(lifetime time.Duration, ip net.IP) tls.Certificate {
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "server"}, DNSNames: []string{"other.test"}, IPAddresses: []net.IP{ip},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(lifetime),
	}
	certificate, key := sign(template, &i)
	return tls.Certificate{Certificate: [][]byte{certificate.Raw}, PrivateKey: key}
}

// sign creates a certificate, self-signed if by is nil. It panics on errors.
func sign(template *x509.Certificate, by *issuer) (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	if by == nil {
		by = &issuer{template, key}
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	der, err := x509.CreateCertificate(rand.Reader, template, by.certificate, &key.PublicKey, by.key)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return certificate, key
}

// Serve runs a server until the test ends and returns its address.
func Serve(t *testing.T, config *tls.Config, handler http.Handler) (address string) {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return listener.Addr().String()
}
