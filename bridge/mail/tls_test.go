package mail

import (
	"strings"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/tlsfault/tlstest"
)

// TestTLS: Send and Probe name the cause of each TLS error, with STARTTLS and with
// TLS from the first byte.
func TestTLS(t *testing.T) {
	for _, fault := range tlstest.Servers() {
		for _, scheme := range []string{"smtp", "smtps"} {
			t.Run(fault.Name+", "+scheme, func(t *testing.T) {
				server := (&smtpd{implicit: scheme == "smtps", tls: fault.TLS, mechanisms: []string{"PLAIN"}}).start(t)
				m := newMailer(t, scheme+"://"+credentials+"@"+server.addr+"/", tlstest.Pool())
				want(t, m.Send(t.Context(), invitation()), bridge.AttemptRetry, 0, ": "+fault.Want)
				if err := m.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), ": "+fault.Want) {
					t.Errorf("got %v, want %q", err, fault.Want)
				}
				if logins, froms, _ := server.seen(); len(logins)+froms != 0 {
					t.Errorf("the server saw %q and %d MAIL", logins, froms)
				}
			})
		}
	}
}
