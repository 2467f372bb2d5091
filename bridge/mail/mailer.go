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

	"invitebridge/bridge"
)

const (
	// maxAttempt bounds one attempt, from the first packet to the last.
	maxAttempt = 30 * time.Second
	maxDetail  = 300 // runes
)

// Config configures a Mailer: the mail server, the sender, and the look and
// texts of emails.
type Config struct {
	// ConnectionURI names the mail server as in Kratos:
	//
	//	smtp://user:password@host:587/   STARTTLS, enforced
	//	smtps://user:password@host:465/  TLS from the first byte
	//
	// The ports shown are the defaults. User and password are percent-encoded;
	// set both or neither. Parameters: disable_starttls=true sends everything in
	// cleartext, including the password; skip_ssl_verify=true trusts any
	// certificate; server_name=NAME is the name the certificate must have.
	ConnectionURI string
	// FromAddress is the plain ASCII address of the sender, which also receives
	// bounces.
	FromAddress string
	// FromName is shown beside FromAddress and in the built-in emails. It may be
	// empty.
	FromName string
	// LocalName is the name that the bridge sends in EHLO. Empty: the name of
	// this host if it has a domain, else the local address of the connection.
	LocalName string
	// TemplateOverridePath is a directory with invitation/email.*.gotmpl (for all
	// languages) or invitation/LANGUAGE/email.*.gotmpl. These replace the built-in
	// templates of the same name; a language that is not built in needs all of
	// them. The folder reminder may have those of the reminder; what it lacks is
	// taken from invitation. Empty: only the built-in templates.
	TemplateOverridePath string
	Branding             Branding
	// ReplyToInviter sets Reply-To to the inviter's address, if the invitation
	// has one.
	ReplyToInviter bool
	// NameTrait is the path of the trait used to greet invitees. If it is empty,
	// or the invitation does not have it, the greeting has no name.
	NameTrait string
	// RootCAs are the certificate authorities to trust; nil: the system's.
	RootCAs *x509.CertPool
}

// Mailer sends emails. It is safe for concurrent use. It keeps connections for a few
// seconds after an email, until [Mailer.Close].
type Mailer struct {
	server    server
	pool      *pool
	from      mail.Address
	templates templates
	branding  Branding
	// As in Config.
	replyToInviter bool
	nameTrait      string
	timeout        time.Duration
}

var _ bridge.Sender = (*Mailer)(nil)

// New validates the configuration and every template. It makes no connection.
// Its error lists all problems, one per line, and contains no credentials.
func New(c Config) (*Mailer, error) {
	srv, serverProblems := parseServer(c.ConnectionURI)
	srv.tls.RootCAs = c.RootCAs
	srv.localName = cmp.Or(c.LocalName, hostDomain())
	all, templateProblems := loadTemplates(c.TemplateOverridePath)
	branding, brandingProblem := c.Branding.complete()

	problems := append(serverProblems, c.problems()...)
	if brandingProblem != nil {
		problems = append(problems, brandingProblem)
	}
	problems = append(problems, templateProblems...)
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return &Mailer{
		server:    srv,
		pool:      &pool{maxIdle: maxIdle},
		from:      mail.Address{Name: bridge.OneLine(c.FromName), Address: c.FromAddress},
		templates: all,
		branding:  branding, replyToInviter: c.ReplyToInviter, nameTrait: c.NameTrait,
		timeout: maxAttempt,
	}, nil
}

// hostDomain returns the name of this host if it has a domain, else "". Servers
// that check EHLO reject names without one.
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
		problems = append(problems, errors.New("from_name contains invisible characters"))
	}
	if c.LocalName != "" && !helloName.MatchString(c.LocalName) {
		problems = append(problems, errors.New("local_name is not a host name"))
	}
	return problems
}

// Send emails the invitation of a [bridge.EventTokenCreated], or the reminder of a
// [bridge.EventReminder]. It returns when ctx
// ends, at the latest after 30 seconds.
//
// AttemptSent means that the server accepted the email. After AttemptRetry it
// may have been accepted too, see the package's decisions. The result is
// AttemptFailed, without a connection, for other events, for an address that is
// not canonical (see [bridge.ParseEmail]) and for a link that is not an
// absolute http or https URL.
func (m *Mailer) Send(ctx context.Context, d bridge.Dispatch) bridge.SendResult {
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()

	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	message, err := m.compose(w, d)
	if err != nil {
		secrets := strings.NewReplacer(redactions(d.Payload.Data)...)
		return bridge.SendResult{Outcome: bridge.AttemptFailed, Detail: bridge.Truncate(bridge.OneLine(secrets.Replace(err.Error())), maxDetail)}
	}
	at, err := m.pool.deliver(ctx, m.server, m.from.Address, d.Payload.Data.Invitation.Email, message)
	if err != nil {
		return m.server.classify(ctx, at, err)
	}
	return bridge.SendResult{Outcome: bridge.AttemptSent, Status: 250}
}

// Close closes the connections that no email is using, at the latest after two
// seconds. Emails that are being sent are not disturbed, and Send may still be
// called: each email then closes its connection. Close may be called again.
func (m *Mailer) Close() { m.pool.close() }

// Probe takes all steps of an email to the sender's own address that precede the
// content, and sends none: connection, TLS, greeting, EHLO, login, MAIL, RCPT and
// RSET, on a connection of its own. RCPT is included because some servers check the
// EHLO name only there. Probe returns when ctx ends, at the latest after 30 seconds. Its error names
// the failed step and the cause, as the detail of a [bridge.SendResult] does, and
// contains no credentials and no text of the server.
func (m *Mailer) Probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	c, at, err := m.server.connect(ctx)
	if err == nil {
		at, err = c.probe(ctx, m.from.Address)
		c.quit()
	}
	if err != nil {
		return errors.New(m.server.classify(ctx, at, err).Detail)
	}
	return nil
}

// redactions returns the replacements that keep secrets out of errors of
// operators' templates: such an error may quote the template's input.
func redactions(data bridge.PayloadData) []string {
	var pairs []string
	for _, secret := range []string{data.Link, data.Token} {
		if secret != "" {
			pairs = append(pairs, secret, "[redacted]")
		}
	}
	return pairs
}
