package mail

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestTry goes as far as RCPT, and no further.
func TestTry(t *testing.T) {
	login := []string{"PLAIN"}
	for _, test := range []struct {
		name   string
		server *smtpd
		uri    string // with the address in place of HOST
		trust  bool
		want   string // the beginning of the error; empty: there is none
	}{
		{name: "STARTTLS and login", server: &smtpd{mechanisms: login}, uri: "smtp://" + credentials + "@HOST/", trust: true},
		{name: "implicit TLS and login", server: &smtpd{implicit: true, mechanisms: login}, uri: "smtps://" + credentials + "@HOST/", trust: true},
		{name: "in the clear, without login", server: &smtpd{noTLS: true}, uri: "smtp://HOST/?disable_starttls=true"},
		{name: "the sender is refused", server: &smtpd{noTLS: true, mailErr: errors.New("no")}, uri: "smtp://HOST/?disable_starttls=true", want: "MAIL FROM: the server replied 4"},
		{name: "the recipient is refused", server: &smtpd{noTLS: true, rcptErr: errors.New("no")}, uri: "smtp://HOST/?disable_starttls=true", want: "RCPT TO: the server replied 4"},
		{name: "an unknown authority", server: &smtpd{}, uri: "smtp://HOST/", want: "STARTTLS: TLS: the certificate is signed by an unknown authority"},
		{name: "no STARTTLS", server: &smtpd{noTLS: true}, uri: "smtp://HOST/", want: "STARTTLS: the server offers no STARTTLS"},
		{name: "no TLS", server: &smtpd{noTLS: true}, uri: "smtps://HOST/", want: "TLS handshake: TLS: the server does not speak it"},
		{
			name: "a wrong password", server: &smtpd{mechanisms: login, authErr: errors.New(canaryPassword)},
			uri: "smtp://" + credentials + "@HOST/", trust: true, want: "AUTH: the server replied 4",
		},
		{name: "no login there", server: &smtpd{}, uri: "smtp://" + credentials + "@HOST/", trust: true, want: "AUTH: the server offers none"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := test.server.start(t)
			var roots *x509.CertPool
			if test.trust {
				roots = server.roots
			}
			err := newMailer(t, strings.Replace(test.uri, "HOST", server.addr, 1), roots).Try(t.Context())
			if (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			for _, canary := range canaries {
				if err != nil && strings.Contains(err.Error(), canary) {
					t.Errorf("%q is in %v", canary, err)
				}
			}
			logins, froms, letters := server.seen()
			if reached := test.want == "" || strings.Contains(test.want, "MAIL") || strings.Contains(test.want, "RCPT"); (froms == 1) != reached {
				t.Errorf("%d MAIL", froms)
			}
			if letters != 0 || test.want == "" && strings.Contains(test.uri, "@") != (len(logins) == 1) {
				t.Errorf("logins %q, %d sent", logins, letters)
			}
		})
	}
}

// TestTryEnds: nobody there, and somebody who never says a word.
func TestTryEnds(t *testing.T) {
	if err := newMailer(t, "smtp://127.0.0.1:1/", nil).Try(t.Context()); err == nil || err.Error() != "connect: the connection was refused" {
		t.Errorf("got %v", err)
	}
	mute := (&scripted{reply: func(string) string { return "" }}).start(t)
	m := newMailer(t, "smtp://"+mute.addr+"/", nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := m.Try(ctx); err == nil || !strings.HasPrefix(err.Error(), "greeting: the time was up; if this port is for TLS from the first byte, as 465 is, connection_uri must begin with smtps://") {
		t.Errorf("got %v", err)
	}
	polite := (&scripted{reply: usual}).start(t)
	if err := newMailer(t, "smtp://"+polite.addr+"/?disable_starttls=true", nil).Try(t.Context()); err != nil {
		t.Error(err)
	}
	if heard := polite.heard(); !strings.HasSuffix(heard, "\nMAIL FROM:<invitations@acme.example>\nRCPT TO:<invitations@acme.example>\nRSET\nQUIT") {
		t.Errorf("it said %q", heard)
	}
}
