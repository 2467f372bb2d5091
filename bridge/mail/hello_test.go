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

// picky is a relay that refuses, at RCPT, whoever said EHLO with a name that is
// none of the Internet's.
func picky(t *testing.T) *scripted {
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

// TestHelloByDefault: what the bridge calls itself without a configuration is
// good enough for a relay that looks at it.
func TestHelloByDefault(t *testing.T) {
	relay := picky(t)
	m := newMailer(t, "smtp://"+relay.addr+"/?disable_starttls=true", nil)
	if err := m.Try(t.Context()); err != nil {
		t.Error(err)
	}
	want(t, m.Send(t.Context(), invitation()), bridge.Sent, 250, "")
	said, _, _ := strings.Cut(relay.heard(), "\n")
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if name := "EHLO " + host; said != name && (strings.Contains(host, ".") || said != "EHLO [127.0.0.1]") {
		t.Errorf("said %q on host %q", said, host)
	}
}

// TestHelloRefused: a name that a relay refuses is for the operator to mend. The
// email waits, and doctor finds it.
func TestHelloRefused(t *testing.T) {
	relay := picky(t)
	c := config("smtp://" + relay.addr + "/?disable_starttls=true")
	c.LocalName = "localhost"
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	want(t, m.Send(t.Context(), invitation()), bridge.Retry, 504, "set courier.smtp.local_name")
	if err := m.Try(t.Context()); err == nil || !strings.Contains(err.Error(), "RCPT TO: the server replied 504 5.5.2; ") || !strings.Contains(err.Error(), "courier.smtp.local_name") {
		t.Errorf("doctor: %v", err)
	}
	for reply, outcome := range map[string]bridge.SendOutcome{
		"450 4.7.1 <x>: Helo command rejected: Host not found":     bridge.Retry,
		"501 5.5.2 <x>: Helo command rejected: Invalid name":       bridge.Retry,
		"554 5.7.1 <x>: Helo command rejected: Access denied":      bridge.Retry,
		"550 Invalid EHLO name":                                    bridge.Retry,
		"550 5.1.1 <helo@example.com>: Recipient address rejected": bridge.Failed,
		"550 5.1.1 <ada@helo.example>: User unknown":               bridge.Failed,
		"553 5.7.1 Sender address rejected: not owned by user":     bridge.Failed,
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
