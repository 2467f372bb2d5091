package mail

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestProbe: a probe goes as far as RCPT, and no further.
func TestProbe(t *testing.T) {
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
		{name: "cleartext, without login", server: &smtpd{noTLS: true}, uri: "smtp://HOST/?disable_starttls=true"},
		{name: "the sender is refused", server: &smtpd{noTLS: true, mailErr: errors.New("no")}, uri: "smtp://HOST/?disable_starttls=true", want: "MAIL FROM: the server replied 4"},
		{name: "the recipient is refused", server: &smtpd{noTLS: true, rcptErr: errors.New("no")}, uri: "smtp://HOST/?disable_starttls=true", want: "RCPT TO: the server replied 4"},
		{name: "an unknown authority", server: &smtpd{}, uri: "smtp://HOST/", want: "STARTTLS: TLS: the certificate is signed by an unknown authority"},
		{name: "no STARTTLS", server: &smtpd{noTLS: true}, uri: "smtp://HOST/", want: "STARTTLS: the server offers no STARTTLS"},
		{name: "no TLS", server: &smtpd{noTLS: true}, uri: "smtps://HOST/", want: "TLS handshake: TLS: the server does not speak it"},
		{
			name: "a wrong password", server: &smtpd{mechanisms: login, authErr: errors.New(canaryPassword)},
			uri: "smtp://" + credentials + "@HOST/", trust: true, want: "AUTH: the server replied 4",
		},
		{name: "no login offered", server: &smtpd{}, uri: "smtp://" + credentials + "@HOST/", trust: true, want: "AUTH: the server offers none"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := test.server.start(t)
			var roots *x509.CertPool
			if test.trust {
				roots = server.roots
			}
			err := newMailer(t, strings.Replace(test.uri, "HOST", server.addr, 1), roots).Probe(t.Context())
			if (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			for _, canary := range canaries {
				if err != nil && strings.Contains(err.Error(), canary) {
					t.Errorf("%q is in %v", canary, err)
				}
			}
			logins, froms, emails := server.seen()
			if reached := test.want == "" || strings.Contains(test.want, "MAIL") || strings.Contains(test.want, "RCPT"); (froms == 1) != reached {
				t.Errorf("%d MAIL", froms)
			}
			if emails != 0 || test.want == "" && strings.Contains(test.uri, "@") != (len(logins) == 1) {
				t.Errorf("logins %q, %d sent", logins, emails)
			}
		})
	}
}

// TestProbeEnds: a probe ends if no server listens, and if the server never
// replies.
func TestProbeEnds(t *testing.T) {
	if err := newMailer(t, "smtp://127.0.0.1:1/", nil).Probe(t.Context()); err == nil || err.Error() != "connect: the connection was refused" {
		t.Errorf("got %v", err)
	}
	mute := (&scripted{reply: func(string) string { return "" }}).start(t)
	m := newMailer(t, "smtp://"+mute.addr+"/", nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := m.Probe(ctx); err == nil || !strings.HasPrefix(err.Error(), "greeting: timed out; if this port expects TLS from the first byte, as 465 does, connection_uri must begin with smtps://") {
		t.Errorf("got %v", err)
	}
	ordinary := (&scripted{reply: usual}).start(t)
	if err := newMailer(t, "smtp://"+ordinary.addr+"/?disable_starttls=true", nil).Probe(t.Context()); err != nil {
		t.Error(err)
	}
	if received := ordinary.received(); !strings.HasSuffix(received, "\nMAIL FROM:<invitations@acme.example>\nRCPT TO:<invitations@acme.example>\nRSET\nQUIT") {
		t.Errorf("the server received %q", received)
	}
}
