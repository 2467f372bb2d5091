// Package mailtest is a mail server that accepts and parses every email, for
// tests and for the demo. It does not use TLS.
package mailtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Password is the password of the server, and part of the URI. Tests search for
// it where secrets do not belong.
const (
	Password = "CANARY-of-the-mail-server"
	user     = "bridge"
)

// Email is an email as its reader sees it.
type Email struct {
	From, To, Subject string
	MessageID         string
	ReplyTo           string
	Recipients        []string // of the envelope
	Text              string   // the plain part
	Raw               string
}

// String returns the main headers and the text.
func (e Email) String() string {
	return fmt.Sprintf("From: %s\nTo: %s\nSubject: %s\n\n%s", e.From, e.To, e.Subject, e.Text)
}

// Mailbox is the server. It is safe for concurrent use.
type Mailbox struct {
	// Emails receives every accepted email. With 1000 unread ones, further ones
	// are dropped. It is never closed.
	Emails chan Email

	server *smtp.Server
	uri    string
	open   bool
	mu     sync.Mutex
	refuse *smtp.SMTPError
	cut    bool
	hello  string
}

// Start starts a server on a free loopback port that requires a login. The caller
// must call [Mailbox.Stop].
func Start() (*Mailbox, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := serve(l, false)
	m.uri = "smtp://" + user + ":" + Password + "@" + l.Addr().String() + "/?disable_starttls=true"
	return m, nil
}

// Open starts a server on l that requires no login. The caller must call
// [Mailbox.Stop].
func Open(l net.Listener) *Mailbox {
	m := serve(l, true)
	m.uri = "smtp://" + l.Addr().String() + "/?disable_starttls=true"
	return m
}

func serve(l net.Listener, open bool) *Mailbox {
	m := &Mailbox{Emails: make(chan Email, 1000), open: open}
	m.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{box: m, conn: c}, nil }))
	m.server.AllowInsecureAuth = true              // the connection stays on this machine
	m.server.ErrorLog = log.New(io.Discard, "", 0) // tests kill senders and close connections
	go func() { _ = m.server.Serve(l) }()
	return m
}

// URI returns the server's address in the form of courier.smtp.connection_uri.
func (m *Mailbox) URI() string { return m.uri }

// Stop closes the listener and all connections.
func (m *Mailbox) Stop() { _ = m.server.Close() }

// Refuse makes the server reject every email with this reply code from now on;
// 0: accept again.
func (m *Mailbox) Refuse(code int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = nil
	if code != 0 {
		m.refuse = &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCodeNotSet, Message: "refused for the test"}
	}
}

// WantHello makes the server reject every recipient unless the client sent this
// name in EHLO, as strict relays do.
func (m *Mailbox) WantHello(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hello = name
}

// CutNext makes the server accept the next email and close the connection without
// a reply.
func (m *Mailbox) CutNext() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cut = true
}

// session is one connection of a client.
type session struct {
	box        *Mailbox
	conn       *smtp.Conn
	known      bool
	recipients []string
}

// AuthMechanisms implements smtp.AuthSession.
func (*session) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth implements smtp.AuthSession.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, password string) error {
		if s.known = name == user && password == Password; !s.known {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (*session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Reset()                             { s.recipients = nil }
func (s *session) Logout() error                      { return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.box.mu.Lock()
	hello := s.box.hello
	s.box.mu.Unlock()
	if hello != "" && s.conn.Hostname() != hello {
		return &smtp.SMTPError{Code: 504, EnhancedCode: smtp.EnhancedCode{5, 5, 2}, Message: "Helo command rejected"}
	}
	s.recipients = append(s.recipients, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	if !s.known && !s.box.open {
		return smtp.ErrAuthRequired
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.box.mu.Lock()
	refuse, cut := s.box.refuse, s.box.cut
	s.box.cut = false
	s.box.mu.Unlock()
	if refuse != nil {
		return refuse
	}
	email, err := read(raw)
	if err != nil {
		return err
	}
	email.Recipients = s.recipients
	select {
	case s.box.Emails <- email:
	default: // the channel is full
	}
	if cut {
		return s.conn.Conn().Close()
	}
	return nil
}

// read parses a multipart email.
func read(raw []byte) (Email, error) {
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Email{}, err
	}
	email := Email{From: message.Header.Get("From"), To: message.Header.Get("To"), MessageID: message.Header.Get("Message-Id"), Raw: string(raw)}
	if email.Subject, err = new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject")); err != nil {
		return Email{}, err
	}
	email.ReplyTo = message.Header.Get("Reply-To")
	email.Text, err = plainPart(message.Header.Get("Content-Type"), message.Body)
	return email, err
}

// plainPart returns the plain text of a multipart body, which may be nested.
func plainPart(contentType string, body io.Reader) (string, error) {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "", err
	}
	parts := multipart.NewReader(body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			return "", fmt.Errorf("no plain part: %w", err)
		}
		switch contentType := part.Header.Get("Content-Type"); {
		case strings.HasPrefix(contentType, "multipart/"):
			return plainPart(contentType, part)
		case !strings.HasPrefix(contentType, "text/plain"):
			continue
		}
		var body io.Reader = part
		if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
			body = quotedprintable.NewReader(part)
		}
		text, err := io.ReadAll(body)
		return strings.ReplaceAll(string(text), "\r\n", "\n"), err
	}
}
