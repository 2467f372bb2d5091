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
)

// want checks a result, and that it gives no secret away.
func want(t *testing.T, got bridge.Result, outcome bridge.SendOutcome, status int, detail string) {
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
			t.Errorf("a secret in %q", text)
		}
	}
}

func saying(code int, enhanced smtp.EnhancedCode) error {
	// Servers do quote what they do not like.
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: "no " + canaryPassword + " " + canaryToken + " " + canaryUser}
}

func TestReplies(t *testing.T) {
	login := []string{"PLAIN"}
	for _, test := range []struct {
		name    string
		server  *smtpd
		outcome bridge.SendOutcome
		status  int
		detail  string
	}{
		{"421 to MAIL", &smtpd{mechanisms: login, mailErr: saying(421, smtp.EnhancedCode{4, 3, 2})}, bridge.Retry, 421, "MAIL FROM: the server replied 421 4.3.2"},
		{"450 to RCPT", &smtpd{mechanisms: login, rcptErr: saying(450, smtp.EnhancedCode{4, 2, 1})}, bridge.Retry, 450, "RCPT TO: the server replied 450 4.2.1"},
		{"451 to the dot", &smtpd{mechanisms: login, dataErr: saying(451, smtp.EnhancedCode{4, 7, 1})}, bridge.Retry, 451, "final dot: the server replied 451 4.7.1"},
		{"550 to MAIL", &smtpd{mechanisms: login, mailErr: saying(550, smtp.EnhancedCode{5, 1, 8})}, bridge.Failed, 550, "MAIL FROM: the server replied 550 5.1.8"},
		{"550 to RCPT", &smtpd{mechanisms: login, rcptErr: saying(550, smtp.EnhancedCode{5, 1, 1})}, bridge.Failed, 550, "RCPT TO: the server replied 550 5.1.1"},
		{"554 to the dot", &smtpd{mechanisms: login, dataErr: saying(554, smtp.EnhancedCode{5, 7, 1})}, bridge.Failed, 554, "final dot: the server replied 554 5.7.1"},
		{"535 to AUTH", &smtpd{mechanisms: login, authErr: saying(535, smtp.EnhancedCode{5, 7, 8})}, bridge.Retry, 535, "check the credentials"},
		{"530 to MAIL", &smtpd{mechanisms: login, mailErr: saying(530, smtp.EnhancedCode{5, 7, 0})}, bridge.Retry, 530, "check the credentials"},
		{"454 to AUTH", &smtpd{mechanisms: login, authErr: saying(454, smtp.EnhancedCode{4, 7, 0})}, bridge.Retry, 454, "AUTH"},
		{"no AUTH", &smtpd{}, bridge.Retry, 0, "AUTH: the server offers none of"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := test.server.start(t)
			m := newMailer(t, "smtp://"+credentials+"@"+server.addr+"/", server.roots)
			want(t, m.Send(t.Context(), invitation()), test.outcome, test.status, test.detail)
			if _, _, letters := server.seen(); letters != 0 {
				t.Errorf("%d letters were accepted", letters)
			}
		})
	}
}

func TestMisbehaving(t *testing.T) {
	for _, test := range []struct {
		name    string
		reply   func(string) string
		outcome bridge.SendOutcome
		status  int
		detail  string
	}{
		{"421 as greeting", except(greeting, "421 4.3.2 closing "+canaryToken), bridge.Retry, 421, "greeting: the server replied 421 4.3.2"},
		{"554 as greeting", except(greeting, "554 5.7.1 blocked"), bridge.Retry, 554, "greeting"},
		{"cut before the greeting", except(greeting, "cut"), bridge.Retry, 0, "greeting: the server cut the connection"},
		{"garbage", except(greeting, canaryToken+" HTTP/1.1 400"), bridge.Retry, 0, "greeting: the server's answer was not understood"},
		{"endless answer", except(greeting, strings.Repeat("220-x\r\n", 200_000)), bridge.Retry, 0, "greeting: the server said too much"},
		{"cut at DATA", except("DATA", "cut"), bridge.Retry, 0, "DATA: the server cut the connection"},
		{"cut after the final dot", except(".", "cut"), bridge.Retry, 0, "final dot: the server cut the connection"},
		{"strange yes to DATA", except("DATA", "250 fine"), bridge.Retry, 250, "DATA"},
		{"QUIT is refused", except("QUIT", "500 no"), bridge.Sent, 250, ""},
		{"cut at QUIT", except("QUIT", "cut"), bridge.Sent, 250, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := (&scripted{reply: test.reply}).start(t)
			m := newMailer(t, "smtp://"+server.addr+"/?disable_starttls=true", nil)
			want(t, m.Send(t.Context(), invitation()), test.outcome, test.status, test.detail)
		})
	}
}

// TestNoTLS: a server, or somebody in between, that offers no STARTTLS gets to
// see nothing but the greeting.
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
			want(t, got, bridge.Retry, got.Status, "STARTTLS: ")
			for line := range strings.Lines(server.heard()) {
				if command := strings.Fields(line)[0]; command != "EHLO" && command != "STARTTLS" && command != "QUIT" {
					t.Errorf("sent in the clear: %q", line)
				}
			}
			encoded := base64.StdEncoding.EncodeToString([]byte("\x00" + canaryUser + "\x00" + canaryPassword))
			if strings.Contains(server.heard(), encoded) {
				t.Error("sent credentials in the clear")
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
			want(t, m.Send(t.Context(), invitation()), bridge.Retry, 0, "TLS: the certificate is ")
			if logins, froms, _ := server.seen(); len(logins) != 0 || froms != 0 {
				t.Errorf("the server saw %q and %d MAIL", logins, froms)
			}
		})
	}
	t.Run("no TLS on the port", func(t *testing.T) {
		server := (&scripted{reply: usual}).start(t)
		m := newMailer(t, "smtps://"+credentials+"@"+server.addr+"/", nil)
		want(t, m.Send(t.Context(), invitation()), bridge.Retry, 0, "TLS handshake: TLS: the server does not speak it on this port (smtp:// is")
	})
}

func TestRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()
	m := newMailer(t, "smtp://"+credentials+"@"+addr+"/", nil)
	want(t, m.Send(t.Context(), invitation()), bridge.Retry, 0, "connect: the connection was refused")
}

// TestInTime: servers that take their time get no more than there is.
func TestInTime(t *testing.T) {
	const patience, leeway = 300 * time.Millisecond, 700 * time.Millisecond
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
		for _, limit := range []string{"the caller's time", "the mailer's time", "the caller's wish"} {
			t.Run(name+", "+limit, func(t *testing.T) {
				t.Parallel()
				scripted := (&scripted{reply: server.reply, drip: server.drip}).start(t)
				m := newMailer(t, "smtp://"+scripted.addr+"/"+server.query, nil)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				detail := "the time was up"
				switch limit {
				case "the caller's time":
					ctx, cancel = context.WithTimeout(ctx, patience)
					defer cancel()
				case "the mailer's time":
					m.timeout = patience
				default:
					detail = "it was interrupted"
					time.AfterFunc(patience, cancel)
				}
				began := time.Now()
				want(t, m.Send(ctx, invitation()), bridge.Retry, 0, detail)
				if took := time.Since(began); took > patience+leeway {
					t.Errorf("took %v", took)
				}
			})
		}
	}
	if m := newMailer(t, "smtp://127.0.0.1/", nil); m.timeout != 30*time.Second {
		t.Errorf("an attempt may take %v", m.timeout)
	}
}
