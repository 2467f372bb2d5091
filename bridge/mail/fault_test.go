package mail

import (
	"context"
	"encoding/base64"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"invitebridge/bridge"
	"invitebridge/bridge/testenv"
)

// want checks a result, and that it contains no secret.
func want(t *testing.T, got bridge.SendResult, outcome bridge.AttemptOutcome, status int, detail string) {
	t.Helper()
	if got.Outcome != outcome || got.Status != status || !strings.Contains(got.Detail, detail) {
		t.Errorf("got %+v, want %s, %d, %q", got, outcome, status, detail)
	}
	noCanary(t, got.Detail)
}

func noCanary(t *testing.T, text string) {
	t.Helper()
	for _, canary := range canaries {
		if strings.Contains(text, canary) {
			t.Errorf("%q contains a secret", text)
		}
	}
}

// reply is an error by which a server rejects a command, with secrets in its text.
func reply(code int, enhanced smtp.EnhancedCode) error {
	// Real servers quote what they reject.
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: "no " + canaryPassword + " " + canaryToken + " " + canaryUser}
}

func TestReplies(t *testing.T) {
	login := []string{"PLAIN"}
	for _, test := range []struct {
		name    string
		server  *smtpd
		outcome bridge.AttemptOutcome
		status  int
		detail  string
	}{
		{"421 to MAIL", &smtpd{mechanisms: login, mailErr: reply(421, smtp.EnhancedCode{4, 3, 2})}, bridge.AttemptRetry, 421, "MAIL FROM: the server replied 421 4.3.2"},
		{"450 to RCPT", &smtpd{mechanisms: login, rcptErr: reply(450, smtp.EnhancedCode{4, 2, 1})}, bridge.AttemptRetry, 450, "RCPT TO: the server replied 450 4.2.1"},
		{"451 to the dot", &smtpd{mechanisms: login, dataErr: reply(451, smtp.EnhancedCode{4, 7, 1})}, bridge.AttemptRetry, 451, "final dot: the server replied 451 4.7.1"},
		{"550 to MAIL", &smtpd{mechanisms: login, mailErr: reply(550, smtp.EnhancedCode{5, 1, 8})}, bridge.AttemptFailed, 550, "MAIL FROM: the server replied 550 5.1.8"},
		{"550 to RCPT", &smtpd{mechanisms: login, rcptErr: reply(550, smtp.EnhancedCode{5, 1, 1})}, bridge.AttemptFailed, 550, "RCPT TO: the server replied 550 5.1.1"},
		{"554 to the dot", &smtpd{mechanisms: login, dataErr: reply(554, smtp.EnhancedCode{5, 7, 1})}, bridge.AttemptFailed, 554, "final dot: the server replied 554 5.7.1"},
		{"535 to AUTH", &smtpd{mechanisms: login, authErr: reply(535, smtp.EnhancedCode{5, 7, 8})}, bridge.AttemptRetry, 535, "check the credentials"},
		{"530 to MAIL", &smtpd{mechanisms: login, mailErr: reply(530, smtp.EnhancedCode{5, 7, 0})}, bridge.AttemptRetry, 530, "check the credentials"},
		{"454 to AUTH", &smtpd{mechanisms: login, authErr: reply(454, smtp.EnhancedCode{4, 7, 0})}, bridge.AttemptRetry, 454, "AUTH"},
		{"no AUTH", &smtpd{}, bridge.AttemptRetry, 0, "AUTH: the server offers none of"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := test.server.start(t)
			m := newMailer(t, "smtp://"+credentials+"@"+server.addr+"/", server.roots)
			want(t, m.Send(t.Context(), invitation()), test.outcome, test.status, test.detail)
			if _, _, emails := server.seen(); emails != 0 {
				t.Errorf("%d emails were accepted", emails)
			}
		})
	}
}

func TestMisbehaving(t *testing.T) {
	for _, test := range []struct {
		name    string
		reply   func(string) string
		outcome bridge.AttemptOutcome
		status  int
		detail  string
	}{
		{"421 as greeting", except(greeting, "421 4.3.2 closing "+canaryToken), bridge.AttemptRetry, 421, "greeting: the server replied 421 4.3.2"},
		{"554 as greeting", except(greeting, "554 5.7.1 blocked"), bridge.AttemptRetry, 554, "greeting"},
		{"closed before the greeting", except(greeting, "close"), bridge.AttemptRetry, 0, "greeting: the server closed the connection"},
		{"garbage", except(greeting, canaryToken+" HTTP/1.1 400"), bridge.AttemptRetry, 0, "greeting: the server's reply is not valid SMTP"},
		{"endless reply", except(greeting, strings.Repeat("220-x\r\n", 200_000)), bridge.AttemptRetry, 0, "greeting: the server sent more than 1 MiB"},
		{"closed at DATA", except("DATA", "close"), bridge.AttemptRetry, 0, "DATA: the server closed the connection"},
		{"closed after the final dot", except(".", "close"), bridge.AttemptRetry, 0, "final dot: the server closed the connection"},
		{"250 to DATA", except("DATA", "250 ok"), bridge.AttemptRetry, 250, "DATA"},
		{"QUIT rejected", except("QUIT", "500 no"), bridge.AttemptSent, 250, ""},
		{"closed at QUIT", except("QUIT", "close"), bridge.AttemptSent, 250, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := (&scripted{reply: test.reply}).start(t)
			m := newMailer(t, "smtp://"+server.addr+"/?disable_starttls=true", nil)
			want(t, m.Send(t.Context(), invitation()), test.outcome, test.status, test.detail)
		})
	}
}

// TestNoTLS: a server, or an attacker on the network, that does not offer STARTTLS
// sees nothing beyond EHLO.
func TestNoTLS(t *testing.T) {
	for name, ehlo := range map[string]string{
		"not offered":         "250-mail.test\r\n250 AUTH PLAIN LOGIN",
		"offered and refused": "250-mail.test\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS",
	} {
		t.Run(name, func(t *testing.T) {
			server := (&scripted{reply: func(line string) string {
				if strings.HasPrefix(line, "STARTTLS") {
					return "454 4.7.0 TLS not available"
				}
				return except("EHLO", ehlo)(line)
			}}).start(t)
			m := newMailer(t, "smtp://"+credentials+"@"+server.addr+"/", nil)
			got := m.Send(t.Context(), invitation())
			want(t, got, bridge.AttemptRetry, got.Status, "STARTTLS: ")
			for line := range strings.Lines(server.received()) {
				if command := strings.Fields(line)[0]; command != "EHLO" && command != "STARTTLS" && command != "QUIT" {
					t.Errorf("sent in cleartext: %q", line)
				}
			}
			encoded := base64.StdEncoding.EncodeToString([]byte("\x00" + canaryUser + "\x00" + canaryPassword))
			if strings.Contains(server.received(), encoded) {
				t.Error("sent credentials in cleartext")
			}
		})
	}
}

func TestCertificates(t *testing.T) {
	for name, uri := range map[string]string{
		"unknown authority":           "smtp://" + credentials + "@HOST/",
		"unknown authority, implicit": "smtps://" + credentials + "@HOST/",
		"another server's":            "smtp://" + credentials + "@HOST/?server_name=other.test",
	} {
		t.Run(name, func(t *testing.T) {
			server := (&smtpd{implicit: strings.HasPrefix(uri, "smtps"), mechanisms: []string{"PLAIN"}}).start(t)
			roots := server.roots
			if !strings.HasPrefix(name, "another") {
				_, roots = selfSigned(t)
			}
			m := newMailer(t, strings.Replace(uri, "HOST", server.addr, 1), roots)
			want(t, m.Send(t.Context(), invitation()), bridge.AttemptRetry, 0, "TLS: the certificate is ")
			if logins, froms, _ := server.seen(); len(logins) != 0 || froms != 0 {
				t.Errorf("the server saw %q and %d MAIL", logins, froms)
			}
		})
	}
	t.Run("no TLS on the port", func(t *testing.T) {
		server := (&scripted{reply: usual}).start(t)
		m := newMailer(t, "smtps://"+credentials+"@"+server.addr+"/", nil)
		want(t, m.Send(t.Context(), invitation()), bridge.AttemptRetry, 0, "TLS handshake: TLS: the server does not speak it on this port (smtp:// is")
	})
}

func TestConnectionRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()
	m := newMailer(t, "smtp://"+credentials+"@"+addr+"/", nil)
	want(t, m.Send(t.Context(), invitation()), bridge.AttemptRetry, 0, "connect: the connection was refused")
}

// TestTimeouts: the caller's context and the mailer's timeout bound an attempt,
// however slow the server is.
func TestTimeouts(t *testing.T) {
	const timeout = 300 * time.Millisecond
	silentTLS := func(line string) string {
		if line == "STARTTLS" {
			return "220 go on" // and no handshake
		}
		return except("EHLO", "250-mail.test\r\n250 STARTTLS")(line)
	}
	for name, server := range map[string]struct {
		reply func(string) string
		drip  time.Duration
		query string
	}{
		"drip":             {except("EHLO", "250 "+strings.Repeat("x", 1000)), 5 * time.Millisecond, "?disable_starttls=true"},
		"silent at first":  {except(greeting, ""), 0, "?disable_starttls=true"},
		"silent at RCPT":   {except("RCPT", ""), 0, "?disable_starttls=true"},
		"silent after dot": {except(".", ""), 0, "?disable_starttls=true"},
		"silent in TLS":    {silentTLS, 0, ""},
	} {
		for _, limit := range []string{"the caller's deadline", "the mailer's timeout", "canceled by the caller"} {
			t.Run(name+", "+limit, func(t *testing.T) {
				t.Parallel()
				scripted := (&scripted{reply: server.reply, drip: server.drip}).start(t)
				m := newMailer(t, "smtp://"+scripted.addr+"/"+server.query, nil)
				m.timeout = testenv.Limit
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				detail := "timed out"
				switch limit {
				case "the caller's deadline":
					ctx, cancel = context.WithTimeout(ctx, timeout)
					defer cancel()
				case "the mailer's timeout":
					m.timeout = timeout
				default:
					detail = "canceled"
					time.AfterFunc(timeout, cancel)
				}
				begun := time.Now()
				want(t, m.Send(ctx, invitation()), bridge.AttemptRetry, 0, detail)
				if took := time.Since(begun); took >= testenv.Limit {
					t.Errorf("took %s", took)
				}
			})
		}
	}
	if m := newMailer(t, "smtp://127.0.0.1/", nil); m.timeout != 30*time.Second {
		t.Errorf("the timeout of an attempt is %v", m.timeout)
	}
}
