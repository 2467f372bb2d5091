package mail

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"net/mail"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"invitebridge/bridge"
)

const (
	// maxAttempt bounds an attempt from the first packet to the last.
	maxAttempt = 30 * time.Second
	maxDetail  = 300 // runes
)

// Config says where letters go out, from whom, and how they read.
type Config struct {
	// ConnectionURI names the mail server as in Kratos:
	//
	//	smtp://user:password@host:587/   STARTTLS, enforced
	//	smtps://user:password@host:465/  TLS from the first byte
	//
	// The ports are the defaults. User and password are percent-encoded, and
	// may be left out together. Parameters: disable_starttls=true sends in the
	// clear, password included; skip_ssl_verify=true trusts any certificate;
	// server_name=NAME is the name the certificate must carry.
	ConnectionURI string
	// FromAddress is the plain ASCII address that letters come from, and that
	// bounces go to.
	FromAddress string
	// FromName is shown beside FromAddress, and in the built-in letters. It may
	// be empty.
	FromName string
	// LocalName is what the bridge calls itself in EHLO. Empty: the name of this
	// host if it has a domain, else the address that the mail server sees it by.
	LocalName string
	// TemplateOverridePath is a directory that holds invitation/email.*.gotmpl
	// (for all languages) or invitation/LANGUAGE/email.*.gotmpl, which are used
	// in place of the built-in ones of the same name; a language that is not
	// built in needs them all. Empty: the built-in ones.
	TemplateOverridePath string
	Look                 Look
	// ReplyToInviter sends replies to the inviter's address, where an invitation
	// has one, instead of FromAddress.
	ReplyToInviter bool
	// NameTrait is the path of the trait that invitees are greeted by, if an
	// invitation has it; empty: they are greeted without a name.
	NameTrait string
	// RootCAs are the authorities to trust; nil: the system's.
	RootCAs *x509.CertPool
}

// Mailer sends letters. It is safe for concurrent use, and holds no connection
// between two of them.
type Mailer struct {
	server  server
	from    mail.Address
	letters letters
	look    Look
	// As in Config.
	replyToInviter bool
	nameTrait      string
	timeout        time.Duration
}

var _ bridge.Sender = (*Mailer)(nil)

// New checks the configuration and every template, and connects to nothing. Its
// error tells all problems at once, one a line, and holds no credentials.
func New(c Config) (*Mailer, error) {
	srv, serverProblems := parseServer(c.ConnectionURI)
	srv.tls.RootCAs = c.RootCAs
	srv.localName = cmp.Or(c.LocalName, hostDomain())
	letters, letterProblems := loadLetters(c.TemplateOverridePath)
	look, lookProblem := c.Look.complete()

	problems := append(serverProblems, c.problems()...)
	if lookProblem != nil {
		problems = append(problems, lookProblem)
	}
	problems = append(problems, letterProblems...)
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return &Mailer{
		server:  srv,
		from:    mail.Address{Name: bridge.OneLine(c.FromName), Address: c.FromAddress},
		letters: letters,
		look:    look, replyToInviter: c.ReplyToInviter, nameTrait: c.NameTrait,
		timeout: maxAttempt,
	}, nil
}

// hostDomain gives the name of this host; empty: it has none with a domain.
// Servers that look at EHLO refuse any other.
func hostDomain() string {
	name, err := os.Hostname()
	if name = strings.TrimSuffix(name, "."); err != nil || !strings.Contains(name, ".") || !helloName.MatchString(name) {
		return ""
	}
	return name
}

// helloName is a host name or an address literal (RFC 5321, 4.1.1.1).
var helloName = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Za-z.:]{2,60}\])$`)

func (c Config) problems() []error {
	var problems []error
	switch address, err := mail.ParseAddress(c.FromAddress); {
	case c.FromAddress == "":
		problems = append(problems, errors.New("from_address is missing"))
	case err != nil, address.Address != c.FromAddress, strings.ContainsAny(c.FromAddress, "\"\\[]"), !printableASCII(c.FromAddress):
		problems = append(problems, errors.New(
			"from_address is not one plain address such as invitations@example.com (write an international domain in its xn-- form)"))
	}
	if bridge.OneLine(c.FromName) != strings.TrimSpace(c.FromName) {
		problems = append(problems, errors.New("from_name has characters that cannot be seen"))
	}
	if c.LocalName != "" && !helloName.MatchString(c.LocalName) {
		problems = append(problems, errors.New("local_name is not a host name"))
	}
	return problems
}

// Send mails the letter for an [bridge.EventTokenCreated] and ends within ctx
// and 30 seconds. Sent means that the server took responsibility for it. Retry
// may mean so as well, see the package's decisions. Other events, an address
// that is not canonical (see [bridge.ParseEmail]) and a link that is not one
// are Failed before anything is connected to.
func (m *Mailer) Send(ctx context.Context, d bridge.Dispatch) bridge.Result {
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()

	message, err := m.compose(d)
	if err != nil {
		secrets := strings.NewReplacer(redactions(d.Payload.Data)...)
		return bridge.Result{Outcome: bridge.Failed, Detail: bridge.Shorten(bridge.OneLine(secrets.Replace(err.Error())), maxDetail)}
	}
	return m.server.deliver(ctx, m.from.Address, d.Payload.Data.Invitation.Email, message)
}

// Try goes as far as an email to the sender would before its content, and sends
// none: connection, TLS, greeting, EHLO, login, MAIL, RCPT and RSET. Some servers
// judge EHLO no earlier than at RCPT. It ends within ctx and 30 seconds. Its error
// says which of them failed and why, in the words of a [bridge.Result], and holds
// no credentials and nothing that the server said.
func (m *Mailer) Try(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	at, err := m.server.meet(ctx, func(client *smtp.Client) (stage, error) { return rehearse(client, m.from.Address) })
	if err != nil {
		return errors.New(m.server.verdict(ctx, at, err).Detail)
	}
	return nil
}

// redactions keeps secrets out of the errors of operators' templates, which may
// quote what they were given.
func redactions(data bridge.PayloadData) []string {
	var pairs []string
	for _, secret := range []string{data.Link, data.Token} {
		if secret != "" {
			pairs = append(pairs, secret, "[redacted]")
		}
	}
	return pairs
}
