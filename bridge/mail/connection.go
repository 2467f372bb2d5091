package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"invitebridge/bridge/tlsfault"
)

const (
	// maxReplies bounds the bytes that a server may send on one connection for one
	// email.
	maxReplies = 1 << 20
	// quitTimeout bounds the wait for the reply to QUIT, and to RSET.
	quitTimeout = 2 * time.Second
)

var (
	errNoStartTLS = errors.New("the server offers no STARTTLS, so nothing was sent (disable_starttls=true in connection_uri would send in cleartext)")
	errTooMuch    = errors.New("the server sent more than 1 MiB")
)

// connection is a connection to a mail server, logged in where the server has
// credentials. One goroutine uses it at a time.
type connection struct {
	raw        net.Conn
	replies    *limitedConn
	client     *smtp.Client // nil: there was no greeting
	pipelining bool         // the server accepts commands before it has replied to the last

	emails    int       // that were begun
	rejected  bool      // the last one was, and the server may still remember it
	lost      bool      // the server expects no further command
	idleSince time.Time // while it is in a pool
}

// connect connects and logs in. The caller must call [connection.quit]. On an
// error it returns the stage that failed.
func (s server) connect(ctx context.Context) (*connection, stage, error) {
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(s.host, s.port))
	if err != nil {
		return nil, stageConnect, err
	}
	c := &connection{raw: raw, replies: &limitedConn{Conn: raw, left: maxReplies}}
	at, err := c.talk(ctx, func() (stage, error) { return c.open(ctx, s) })
	if err != nil {
		c.quit()
		return nil, at, err
	}
	return c, "", nil
}

// talk runs a part of the dialogue, and closes the connection if ctx ends
// meanwhile.
func (c *connection) talk(ctx context.Context, part func() (stage, error)) (stage, error) {
	// Only closing ends reads and writes regardless of the deadlines that the
	// layers above have set.
	stop := context.AfterFunc(ctx, func() { _ = c.raw.Close() })
	at, err := part()
	closed := !stop()
	c.lost = c.lost || closed || err != nil && endsConnection(err)
	return at, new(tlsfault.Observer).Explain(err)
}

// open performs the TLS handshake if it comes first, and all that precedes MAIL.
func (c *connection) open(ctx context.Context, s server) (stage, error) {
	var seen tlsfault.Observer
	s.tls = seen.Watch(s.tls)
	var conn net.Conn = c.replies
	if s.implicit {
		secured := tls.Client(conn, s.tls)
		if err := secured.HandshakeContext(ctx); err != nil {
			return stageTLS, seen.Explain(err)
		}
		conn = secured
	}
	client, err := smtp.NewClient(conn, s.host)
	if err != nil {
		return stageGreeting, seen.Explain(err)
	}
	c.client = client
	if at, err := s.handshake(client, cmp.Or(s.localName, literal(c.raw.LocalAddr()))); err != nil {
		return at, seen.Explain(err)
	}
	c.pipelining, _ = client.Extension("PIPELINING")
	return "", nil
}

// handshake performs EHLO, STARTTLS and the login.
func (s server) handshake(client *smtp.Client, localName string) (stage, error) {
	if err := client.Hello(localName); err != nil {
		return stageHello, err
	}
	if !s.implicit && !s.clear {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return stageStartTLS, errNoStartTLS
		}
		if err := client.StartTLS(s.tls); err != nil {
			return stageStartTLS, err
		}
	}
	if s.login != nil {
		_, offered := client.Extension("AUTH")
		auth, err := s.login(offered, s.clear)
		if err != nil {
			return stageAuth, err
		}
		if err := client.Auth(auth); err != nil {
			return stageAuth, err
		}
	}
	return "", nil
}

// literal returns an address as an address literal, which EHLO accepts in place
// of a host name (RFC 5321, 4.1.3).
func literal(address net.Addr) string {
	host, _, err := net.SplitHostPort(address.String())
	ip, parseErr := netip.ParseAddr(host)
	switch ip = ip.Unmap().WithZone(""); {
	case err != nil || parseErr != nil:
		return "localhost"
	case ip.Is4():
		return "[" + ip.String() + "]"
	}
	return "[IPv6:" + ip.String() + "]"
}

// reusable makes the connection ready for another email, and reports whether it is.
func (c *connection) reusable() bool {
	if c.rejected && !c.lost && c.emails < maxEmails {
		_ = c.raw.SetDeadline(time.Now().Add(quitTimeout))
		c.lost = c.client.Reset() != nil
		c.rejected = false
		_ = c.raw.SetDeadline(time.Time{})
	}
	// A reply to nothing would be taken for the reply to the next command.
	return !c.lost && c.emails < maxEmails && c.client.Text.R.Buffered() == 0
}

// quit closes the connection, with QUIT if the server still replies.
func (c *connection) quit() {
	if c.client != nil && !c.lost {
		_ = c.raw.SetDeadline(time.Now().Add(quitTimeout))
		_ = c.client.Quit()
	}
	_ = c.raw.Close()
}

// limitedConn returns errTooMuch once the server has sent more than any honest
// one would.
type limitedConn struct {
	net.Conn
	left int
}

func (c *limitedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
