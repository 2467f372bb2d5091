// Package mailtest is a mail server that takes everything and reads it, for
// tests and for the demo. It needs no TLS.
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

// Password is what the server wants to hear. It is part of the URI, and a canary
// for those who look for secrets in places where they do not belong.
const (
	Password = "CANARY-of-the-mail-server"
	user     = "bridge"
)

// Letter is a mail as its reader sees it.
type Letter struct {
	From, To, Subject string
	MessageID         string
	ReplyTo           string
	Recipients        []string // of the envelope
	Text              string   // the plain part
	Raw               string
}

// String shows the head and the text.
func (l Letter) String() string {
	return fmt.Sprintf("From: %s\nTo: %s\nSubject: %s\n\n%s", l.From, l.To, l.Subject, l.Text)
}

// Mailbox is the server. It is safe for concurrent use.
type Mailbox struct {
	Letters chan Letter // what arrived; beyond 1000 unread ones it is dropped

	server *smtp.Server
	uri    string
	open   bool
	mu     sync.Mutex
	refuse *smtp.SMTPError
	cut    bool
	hello  string
}

// Start listens on a free port of loopback, and wants a password. Stop it in the
// end.
func Start() (*Mailbox, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := serve(l, false)
	m.uri = "smtp://" + user + ":" + Password + "@" + l.Addr().String() + "/?disable_starttls=true"
	return m, nil
}

// Open takes letters at l from whoever comes, without a password. Stop it in the
// end.
func Open(l net.Listener) *Mailbox {
	m := serve(l, true)
	m.uri = "smtp://" + l.Addr().String() + "/?disable_starttls=true"
	return m
}

func serve(l net.Listener, open bool) *Mailbox {
	m := &Mailbox{Letters: make(chan Letter, 1000), open: open}
	m.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{box: m, conn: c}, nil }))
	m.server.AllowInsecureAuth = true              // nobody is far away in a test
	m.server.ErrorLog = log.New(io.Discard, "", 0) // senders are killed, and connections cut, on purpose
	go func() { _ = m.server.Serve(l) }()
	return m
}

// URI is for courier.smtp.connection_uri.
func (m *Mailbox) URI() string { return m.uri }

// Stop closes the port and all connections.
func (m *Mailbox) Stop() { _ = m.server.Close() }

// Refuse has every letter refused with a reply code from now on; 0: none.
func (m *Mailbox) Refuse(code int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = nil
	if code != 0 {
		m.refuse = &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCodeNotSet, Message: "refused for the test"}
	}
}

// WantHello has every recipient refused unless the sender said EHLO with this
// name, as a relay does that looks at it.
func (m *Mailbox) WantHello(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hello = name
}

// CutNext has the connection cut after the next letter was taken, before its
// sender is told so.
func (m *Mailbox) CutNext() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cut = true
}

// session takes one mail after the other.
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
	letter, err := read(raw)
	if err != nil {
		return err
	}
	letter.Recipients = s.recipients
	select {
	case s.box.Letters <- letter:
	default: // nobody reads on
	}
	if cut {
		return s.conn.Conn().Close()
	}
	return nil
}

// read takes a multipart mail apart.
func read(raw []byte) (Letter, error) {
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Letter{}, err
	}
	letter := Letter{From: message.Header.Get("From"), To: message.Header.Get("To"), MessageID: message.Header.Get("Message-Id"), Raw: string(raw)}
	if letter.Subject, err = new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject")); err != nil {
		return Letter{}, err
	}
	letter.ReplyTo = message.Header.Get("Reply-To")
	letter.Text, err = plainPart(message.Header.Get("Content-Type"), message.Body)
	return letter, err
}

// plainPart finds the text of a multipart body, whose first part may be one too.
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
