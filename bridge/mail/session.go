package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/mail"
	"net/netip"
	"net/textproto"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"invitebridge/bridge"
	"invitebridge/bridge/tlsfault"
)

const (
	// maxAnswers bounds what a server may say in one attempt.
	maxAnswers = 1 << 20
	// quitPatience is how long a server may take to say good-bye.
	quitPatience = 2 * time.Second
)

// stage is a step of the dialogue, named as operators know it.
type stage string

const (
	stageConnect  stage = "connect"
	stageTLS      stage = "TLS handshake"
	stageGreeting stage = "greeting"
	stageHello    stage = "EHLO"
	stageStartTLS stage = "STARTTLS"
	stageAuth     stage = "AUTH"
	stageMail     stage = "MAIL FROM"
	stageRcpt     stage = "RCPT TO"
	stageData     stage = "DATA"
	stageContent  stage = "message"
	stageDot      stage = "final dot"
	stageReset    stage = "RSET"
)

var (
	errNoStartTLS = errors.New("the server offers no STARTTLS, so nothing was sent (disable_starttls=true in connection_uri would send in the clear)")
	errTooMuch    = errors.New("the server said too much")
)

// deliver holds one dialogue and says what came of it.
func (s server) deliver(ctx context.Context, from, to string, message []byte) bridge.Result {
	at, err := s.converse(ctx, from, to, message)
	if err == nil {
		return bridge.Result{Outcome: bridge.Sent, Status: 250}
	}
	return s.verdict(ctx, at, err)
}

// converse gives the stage that went wrong, and how.
func (s server) converse(ctx context.Context, from, to string, message []byte) (stage, error) {
	return s.meet(ctx, func(client *smtp.Client) (stage, error) { return submit(client, from, to, message) })
}

// meet connects and logs in, has talk go on from there, and takes its leave.
func (s server) meet(ctx context.Context, talk func(*smtp.Client) (stage, error)) (stage, error) {
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(s.host, s.port))
	if err != nil {
		return stageConnect, err
	}
	defer func() { _ = raw.Close() }()
	// Closing is the only thing that ends reads and writes whatever deadlines
	// the layers above have set.
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })()

	var seen tlsfault.Observer
	s.tls = seen.Watch(s.tls)
	var conn net.Conn = &measuredConn{Conn: raw, left: maxAnswers}
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
	at, err := s.introduce(client, cmp.Or(s.localName, literal(raw.LocalAddr())))
	if err == nil {
		at, err = talk(client)
	}
	err = seen.Explain(err)
	if reply := (*textproto.Error)(nil); err == nil || errors.As(err, &reply) {
		// Only a server that still answers is worth a good-bye.
		_ = raw.SetDeadline(time.Now().Add(quitPatience))
		_ = client.Quit()
	}
	return at, err
}

// introduce goes as far as a server may want before it takes letters.
func (s server) introduce(client *smtp.Client, localName string) (stage, error) {
	// All addresses are ASCII, and SMTPUTF8 would keep the letter from servers
	// further on that do not know it.
	client.SkipSMTPUTF8(true)
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

// literal gives an address as EHLO takes it for want of a name (RFC 5321, 4.1.3).
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

// rehearse is submit without a message, to the sender.
func rehearse(client *smtp.Client, from string) (stage, error) {
	if at, err := address(client, from, from); err != nil {
		return at, err
	}
	if err := client.Reset(); err != nil {
		return stageReset, err
	}
	return "", nil
}

func address(client *smtp.Client, from, to string) (stage, error) {
	if err := client.Mail(smtpPath(from)); err != nil {
		return stageMail, err
	}
	if err := client.Rcpt(smtpPath(to)); err != nil {
		return stageRcpt, err
	}
	return "", nil
}

// smtpPath gives an address as SMTP commands take it: what is before the @ is quoted
// if its dots ask for it (RFC 5321, 4.1.2).
func smtpPath(address string) string { return (&mail.Address{Address: address}).String() }

func submit(client *smtp.Client, from, to string, message []byte) (stage, error) {
	if at, err := address(client, from, to); err != nil {
		return at, err
	}
	data, err := client.Data()
	if err != nil {
		return stageData, err
	}
	if _, err := data.Write(message); err != nil {
		return stageContent, err
	}
	if err := data.Close(); err != nil {
		return stageDot, err
	}
	return "", nil
}

// measuredConn fails once a server has said more than any honest one would.
type measuredConn struct {
	net.Conn
	left int
}

func (c *measuredConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
