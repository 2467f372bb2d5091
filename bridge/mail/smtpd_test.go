package mail

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// smtpd is a real mail server on 127.0.0.1. Its fields are set before start.
type smtpd struct {
	implicit   bool
	noTLS      bool
	tls        *tls.Config // nil: a self-signed certificate
	mechanisms []string
	// The error at each stage; nil: the stage succeeds.
	authErr, mailErr, rcptErr, dataErr error

	addr  string
	roots *x509.CertPool

	mu       sync.Mutex
	accepted []envelope
	logins   []string // mechanism, user and password, separated by spaces
	froms    int

	connections atomic.Int32 // that were accepted
}

// counter counts the connections that a listener accepts.
type counter struct {
	net.Listener
	n *atomic.Int32
}

func (c counter) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.n.Add(1)
	}
	return conn, err
}

type envelope struct {
	from string
	to   []string
	data []byte
}

func (s *smtpd) start(t testing.TB) *smtpd {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &smtpSession{server: s}, nil }))
	server.Domain = "mail.test"
	server.AllowInsecureAuth = s.noTLS
	server.EnableSMTPUTF8 = true
	server.ErrorLog = log.New(io.Discard, "", 0)
	s.addr = listener.Addr().String()
	if !s.noTLS {
		server.TLSConfig = s.tls
	}
	if !s.noTLS && s.tls == nil {
		var certificate tls.Certificate
		certificate, s.roots = selfSigned(t)
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}
	listener = counter{listener, &s.connections}
	if s.implicit {
		listener = tls.NewListener(listener, server.TLSConfig)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return s
}

// only returns the one email that was accepted.
func (s *smtpd) only(t *testing.T) envelope {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.accepted) != 1 {
		t.Fatalf("%d emails were accepted, want 1", len(s.accepted))
	}
	return s.accepted[0]
}

// seen returns the logins, and the numbers of MAIL commands and of accepted
// emails.
func (s *smtpd) seen() (logins []string, froms, emails int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.logins), s.froms, len(s.accepted)
}

type smtpSession struct {
	server *smtpd
	envelope
}

func (c *smtpSession) AuthMechanisms() []string { return c.server.mechanisms }

func (c *smtpSession) Auth(mechanism string) (sasl.Server, error) {
	check := func(user, password string) error {
		c.server.mu.Lock()
		defer c.server.mu.Unlock()
		c.server.logins = append(c.server.logins, mechanism+" "+user+" "+password)
		return c.server.authErr
	}
	switch mechanism {
	case "PLAIN":
		return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
	case "LOGIN":
		return &loginServer{check: check}, nil
	default:
		return nil, smtp.ErrAuthUnknownMechanism
	}
}

func (c *smtpSession) Mail(from string, _ *smtp.MailOptions) error {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.froms++
	c.from = from
	return c.server.mailErr
}

func (c *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.to = append(c.to, to)
	return c.server.rcptErr
}

func (c *smtpSession) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err = errors.Join(err, c.server.dataErr); err != nil {
		if c.server.dataErr != nil {
			return c.server.dataErr
		}
		return err
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.accepted = append(c.server.accepted, envelope{from: c.from, to: c.to, data: data})
	return nil
}

func (c *smtpSession) Reset()        { c.envelope = envelope{} }
func (c *smtpSession) Logout() error { return nil }

// loginServer is the server's side of AUTH LOGIN.
type loginServer struct {
	step  int
	user  string
	check func(user, password string) error
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	l.step++
	switch l.step {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(response)
		return []byte("Password:"), false, nil
	default:
		return nil, true, l.check(l.user, string(response))
	}
}

// selfSigned creates a certificate for 127.0.0.1, and a pool that trusts it.
func selfSigned(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		DNSNames: []string{"mail.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}
