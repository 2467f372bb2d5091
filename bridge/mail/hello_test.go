package mail

import (
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"invitebridge/bridge"
)

// strictRelay is a relay that rejects, at RCPT, clients whose EHLO name is not
// fully qualified.
func strictRelay(t *testing.T) *scripted {
	var bad atomic.Bool
	return (&scripted{reply: func(line string) string {
		command, argument, _ := strings.Cut(line, " ")
		switch command {
		case "EHLO", "HELO":
			literal := strings.HasPrefix(argument, "[") && strings.HasSuffix(argument, "]")
			bad.Store(!literal && !strings.Contains(argument, "."))
		case "RCPT":
			if bad.Load() {
				return "504 5.5.2 <" + canaryToken + ">: Helo command rejected: need fully-qualified hostname"
			}
		}
		return usual(line)
	}}).start(t)
}

// TestHelloByDefault: a strict relay accepts the EHLO name that the bridge uses
// without configuration.
func TestHelloByDefault(t *testing.T) {
	relay := strictRelay(t)
	m := newMailer(t, "smtp://"+relay.addr+"/?disable_starttls=true", nil)
	if err := m.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	want(t, m.Send(t.Context(), invitation()), bridge.AttemptSent, 250, "")
	said, _, _ := strings.Cut(relay.received(), "\n")
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if name := "EHLO " + host; said != name && (strings.Contains(host, ".") || said != "EHLO [127.0.0.1]") {
		t.Errorf("said %q on host %q", said, host)
	}
}

// TestHelloRefused: a rejected EHLO name is an error of configuration. The email
// stays queued, and doctor reports the cause.
func TestHelloRefused(t *testing.T) {
	relay := strictRelay(t)
	c := config("smtp://" + relay.addr + "/?disable_starttls=true")
	c.LocalName = "localhost"
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	want(t, m.Send(t.Context(), invitation()), bridge.AttemptRetry, 504, "set courier.smtp.local_name")
	if err := m.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "RCPT TO: the server replied 504 5.5.2; ") || !strings.Contains(err.Error(), "courier.smtp.local_name") {
		t.Errorf("doctor: %v", err)
	}
	for reply, outcome := range map[string]bridge.AttemptOutcome{
		"450 4.7.1 <x>: Helo command rejected: Host not found":     bridge.AttemptRetry,
		"501 5.5.2 <x>: Helo command rejected: Invalid name":       bridge.AttemptRetry,
		"554 5.7.1 <x>: Helo command rejected: Access denied":      bridge.AttemptRetry,
		"550 Invalid EHLO name":                                    bridge.AttemptRetry,
		"550 5.1.1 <helo@example.com>: Recipient address rejected": bridge.AttemptFailed,
		"550 5.1.1 <ada@helo.example>: User unknown":               bridge.AttemptFailed,
		"553 5.7.1 Sender address rejected: not owned by user":     bridge.AttemptFailed,
	} {
		server := (&scripted{reply: except("RCPT", reply)}).start(t)
		m := newMailer(t, "smtp://"+server.addr+"/?disable_starttls=true", nil)
		if got := m.Send(t.Context(), invitation()); got.Outcome != outcome {
			t.Errorf("%s: %+v", reply, got)
		}
	}
}

func TestLiteral(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:25": "[127.0.0.1]", "[2001:db8::1]:25": "[IPv6:2001:db8::1]", "[fe80::1%eth0]:25": "[IPv6:fe80::1]", "[::ffff:192.0.2.1]:25": "[192.0.2.1]",
	} {
		if got := literal(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))); got != want || !helloName.MatchString(got) {
			t.Errorf("%s: %s", address, got)
		}
	}
}
