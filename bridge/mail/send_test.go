package mail

import (
	"crypto/x509"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"invitebridge/bridge"
)

// credentials are the canaries as they appear in a connection URI.
var credentials = url.UserPassword(canaryUser, canaryPassword).String()

func TestSend(t *testing.T) {
	plainLogin := "PLAIN " + canaryUser + " " + canaryPassword
	for _, test := range []struct {
		name   string
		server *smtpd
		uri    string // with the address in place of HOST
		trust  bool
		login  string
	}{
		{name: "STARTTLS", server: &smtpd{}, uri: "smtp://HOST/", trust: true},
		{name: "STARTTLS, any certificate", server: &smtpd{}, uri: "smtp://HOST/?skip_ssl_verify=true"},
		{name: "STARTTLS, other server name", server: &smtpd{}, uri: "smtp://HOST?server_name=mail.test", trust: true},
		{name: "implicit TLS", server: &smtpd{implicit: true}, uri: "smtps://HOST/", trust: true},
		{name: "implicit TLS, any certificate", server: &smtpd{implicit: true}, uri: "smtps://HOST/?skip_ssl_verify=1"},
		{name: "disable_starttls changes nothing with implicit TLS", server: &smtpd{implicit: true}, uri: "smtps://HOST/?disable_starttls=true", trust: true},
		{name: "cleartext", server: &smtpd{noTLS: true}, uri: "smtp://HOST/?disable_starttls=true"},
		{
			name: "AUTH PLAIN", server: &smtpd{mechanisms: []string{"LOGIN", "PLAIN"}},
			uri: "smtp://" + credentials + "@HOST/", trust: true, login: plainLogin,
		},
		{
			name: "AUTH PLAIN, implicit TLS", server: &smtpd{implicit: true, mechanisms: []string{"PLAIN"}},
			uri: "smtps://" + credentials + "@HOST/", trust: true, login: plainLogin,
		},
		{
			name: "AUTH LOGIN", server: &smtpd{mechanisms: []string{"LOGIN"}},
			uri: "smtp://" + credentials + "@HOST/", trust: true, login: strings.Replace(plainLogin, "PLAIN", "LOGIN", 1),
		},
		{
			name: "AUTH in cleartext, as configured", server: &smtpd{noTLS: true, mechanisms: []string{"PLAIN"}},
			uri: "smtp://" + credentials + "@HOST/?disable_starttls=true", login: plainLogin,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := test.server.start(t)
			var roots *x509.CertPool
			if test.trust {
				roots = server.roots
			}
			m := newMailer(t, strings.Replace(test.uri, "HOST", server.addr, 1), roots)
			result := m.Send(t.Context(), invitation())
			if result.Outcome != bridge.AttemptSent || result.Status != 250 {
				t.Fatalf("got %+v", result)
			}
			got := server.only(t)
			if got.from != "invitations@acme.example" || !slices.Equal(got.to, []string{"ada@example.com"}) {
				t.Errorf("from %q to %q", got.from, got.to)
			}
			parse(t, got.data)
			if logins, _, _ := server.seen(); strings.Join(logins, ",") != test.login {
				t.Errorf("logins %q, want %q", logins, test.login)
			}
		})
	}
}

// TestSendConcurrently is for the race detector.
func TestSendConcurrently(t *testing.T) {
	server := (&smtpd{mechanisms: []string{"PLAIN"}}).start(t)
	m := newMailer(t, "smtp://"+credentials+"@"+server.addr+"/", server.roots)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if result := m.Send(t.Context(), invitation()); result.Outcome != bridge.AttemptSent {
				t.Errorf("got %+v", result)
			}
		})
	}
	group.Wait()
	if _, _, emails := server.seen(); emails != 20 {
		t.Errorf("%d emails, want 20", emails)
	}
}

// TestSendRejects: what must not be sent fails without a connection. The
// connection would be refused here, and the result would be a retry.
func TestSendRejects(t *testing.T) {
	m := newMailer(t, "smtp://127.0.0.1:1/", nil)
	check := func(d bridge.Dispatch, want error) {
		t.Helper()
		if got := m.Send(t.Context(), d); got.Outcome != bridge.AttemptFailed || got.Detail != want.Error() {
			t.Errorf("got %+v, want %v", got, want)
		}
	}
	for _, event := range bridge.Events() {
		if !event.CarriesLink() {
			d := invitation()
			d.Payload.Type = event
			check(d, errEvent)
		}
	}
	for _, email := range hostileAddresses {
		d := invitation()
		d.Payload.Data.Invitation.Email = email
		check(d, errRecipient)
	}
	for _, link := range []string{"", "javascript:alert(1)", "data:text/html,x", "//evil.example/x", "/x", "https://", "https://a.example/\r\nBcc: x"} {
		d := invitation()
		d.Payload.Data.Link = link
		check(d, errLink)
	}
}
