package mail

import (
	"bytes"
	"context"
	"errors"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/testenv"
)

// secondFails returns a reply function that answers a command of the second email
// of the first connection, and of no other.
func secondFails(command, answer string) func(string) string {
	var connections, emails atomic.Int32
	return func(line string) string {
		word, _, _ := strings.Cut(line, " ")
		switch word {
		case greeting:
			connections.Add(1)
		case "MAIL":
			emails.Add(1)
		}
		if word == command && connections.Load() == 1 && emails.Load() == 2 {
			return answer
		}
		return usual(line)
	}
}

// TestLostConnection: a kept connection that proves useless before the content is
// complete costs no attempt: the email arrives once, on a new one.
func TestLostConnection(t *testing.T) {
	for name, second := range map[string]struct{ command, answer string }{
		"closed at MAIL":  {"MAIL", "close"},
		"closed at RCPT":  {"RCPT", "close"},
		"closed at DATA":  {"DATA", "close"},
		"421 to MAIL":     {"MAIL", "421 4.4.2 idle for too long"},
		"421 to RCPT":     {"RCPT", "421 4.3.2 shutting down"},
		"421 to DATA":     {"DATA", "421 4.3.2 shutting down"},
		"450 to MAIL":     {"MAIL", "450 4.7.1 too many emails on this connection"},
		"530 to MAIL":     {"MAIL", "530 5.7.0 the login has expired"},
		"550 to MAIL":     {"MAIL", "550 5.7.1 too many emails on this connection"},
		"garbage to MAIL": {"MAIL", canaryToken},
	} {
		for _, pipelining := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", pipelining"}[pipelining], func(t *testing.T) {
				reply := secondFails(second.command, second.answer)
				server := (&scripted{reply: func(line string) string {
					answer := reply(line)
					if pipelining && strings.HasPrefix(line, "EHLO") {
						return "250-mail.test\r\n250 PIPELINING"
					}
					return answer
				}}).start(t)
				m := patient(t, cleartext(server.addr))
				sends(t, m)
				sends(t, m)
				if n, emails := len(server.accepted()), server.count("."); n != 2 || emails != 2 {
					t.Errorf("%d emails on %d connections", emails, n)
				}
			})
		}
	}
}

// TestUnexpectedReply: a connection with a reply to no command is not kept, because
// it would be taken for the reply to the next command.
func TestUnexpectedReply(t *testing.T) {
	server := (&scripted{reply: except(".", "250 yes\r\n250 and once more")}).start(t)
	m := patient(t, cleartext(server.addr))
	sends(t, m)
	sends(t, m)
	if n, emails := len(server.accepted()), server.count("."); n != 2 || emails != 2 {
		t.Errorf("%d emails on %d connections", emails, n)
	}
}

// TestUselessConnection: after a reply that is not SMTP, nothing more is sent on the
// connection, not even if the email was rejected before that reply.
func TestUselessConnection(t *testing.T) {
	for command, pipelining := range map[string]string{"RCPT": "250 mail.test", "DATA": "250-mail.test\r\n250 PIPELINING"} {
		t.Run(command, func(t *testing.T) {
			server := (&scripted{reply: func(line string) string {
				switch word, _, _ := strings.Cut(line, " "); word {
				case "EHLO":
					return pipelining
				case command:
					return canaryToken
				case "RCPT":
					return "550 5.1.1 no"
				}
				return usual(line)
			}}).start(t)
			m := patient(t, cleartext(server.addr))
			for range 2 {
				if got := m.Send(t.Context(), invitation()); got.Outcome == bridge.AttemptSent {
					t.Error("sent")
				}
			}
			if n, more := len(server.accepted()), server.count("RSET")+server.count("QUIT"); n != 2 || more != 0 {
				t.Errorf("%d connections; the server received\n%s", n, server.received())
			}
		})
	}
}

// TestClosedWhileIdle: a server may close a connection between emails, in any way.
func TestClosedWhileIdle(t *testing.T) {
	for name, end := range map[string]func(*net.TCPConn) error{
		"FIN":                (*net.TCPConn).Close,
		"RST":                func(c *net.TCPConn) error { _ = c.SetLinger(0); return c.Close() },
		"421":                func(c *net.TCPConn) error { _, _ = c.Write([]byte("421 4.4.2 idle\r\n")); return c.Close() },
		"421, and left open": func(c *net.TCPConn) error { _, err := c.Write([]byte("421 4.4.2 idle\r\n")); return err },
	} {
		t.Run(name, func(t *testing.T) {
			server := (&scripted{reply: usual}).start(t)
			m := patient(t, cleartext(server.addr))
			sends(t, m)
			if err := end(server.accepted()[0]); err != nil {
				t.Fatal(err)
			}
			sends(t, m)
			if n, emails := len(server.accepted()), server.count("."); n != 2 || emails != 2 {
				t.Errorf("%d emails on %d connections", emails, n)
			}
		})
	}
}

// TestLostForGood: if there is no new connection either, the attempt has failed,
// and says why.
func TestLostForGood(t *testing.T) {
	var refusing atomic.Bool
	server := (&scripted{reply: func(line string) string {
		if refusing.Load() {
			return "421 4.3.2 shutting down"
		}
		return usual(line)
	}}).start(t)
	m := patient(t, cleartext(server.addr))
	sends(t, m)
	refusing.Store(true)
	want(t, m.Send(t.Context(), invitation()), bridge.AttemptRetry, 421, "greeting: the server replied 421 4.3.2")
	if n := len(server.accepted()); n != 2 {
		t.Errorf("%d connections", n)
	}
}

// TestCutInContent: without the final dot nothing was accepted, so an email whose
// content was cut off on a kept connection is sent on a new one.
func TestCutInContent(t *testing.T) {
	var cut atomic.Bool
	server := (&scripted{reply: usual, cut: func() bool { return cut.CompareAndSwap(true, false) }}).start(t)
	m := patient(t, cleartext(server.addr))
	sends(t, m)
	cut.Store(true)
	large := bytes.Repeat([]byte(strings.Repeat("x", 998)+"\r\n"), 8000) // more than what the network buffers
	if err := m.pool.idle[0].raw.(*net.TCPConn).SetWriteBuffer(4096); err != nil {
		t.Fatal(err)
	}
	if at, err := m.pool.deliver(t.Context(), m.server, "a@example.com", "b@example.com", large); err != nil {
		t.Errorf("%s: %v", at, err)
	}
	if n, dots := len(server.accepted()), server.count("."); n != 2 || dots != 2 {
		t.Errorf("%d emails on %d connections", dots, n)
	}
}

// TestNotRepeatedAfterTheDot: once the final dot was sent, the email may have been
// accepted. It is not sent on another connection in the same attempt.
func TestNotRepeatedAfterTheDot(t *testing.T) {
	for answer, result := range map[string]struct {
		status int
		detail string
	}{
		"close":              {0, "final dot: the server closed the connection"},
		"421 4.3.2 closing":  {421, "final dot: the server replied 421 4.3.2"},
		"451 4.3.0 no space": {451, "final dot: the server replied 451 4.3.0"},
	} {
		t.Run(answer, func(t *testing.T) {
			server := (&scripted{reply: secondFails(".", answer)}).start(t)
			m := patient(t, cleartext(server.addr))
			sends(t, m)
			want(t, m.Send(t.Context(), invitation()), bridge.AttemptRetry, result.status, result.detail)
			if n := len(server.accepted()); n != 1 {
				t.Errorf("%d connections", n)
			}
			sends(t, m)
		})
	}
}

// TestCanceledOnKeptConnection: the end of the context ends the attempt, and with
// it the connection. There is no second try.
func TestCanceledOnKeptConnection(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	reply := secondFails("RCPT", "")
	var silent atomic.Bool
	server := (&scripted{reply: func(line string) string {
		answer := reply(line)
		if answer == "" && strings.HasPrefix(line, "RCPT") {
			silent.Store(true)
			cancel()
		}
		return answer
	}}).start(t)
	m := patient(t, cleartext(server.addr))
	sends(t, m)
	want(t, m.Send(ctx, invitation()), bridge.AttemptRetry, 0, "RCPT TO: canceled")
	if n := len(server.accepted()); n != 1 || !silent.Load() {
		t.Errorf("%d connections", n)
	}
	sends(t, m)
	if n, emails := len(server.accepted()), server.count("."); n != 2 || emails != 2 {
		t.Errorf("%d emails on %d connections", emails, n)
	}
}

// TestClose: Close ends every kept connection with QUIT. Later emails are sent, and
// close theirs.
func TestClose(t *testing.T) {
	server := (&scripted{reply: usual}).start(t)
	m := patient(t, cleartext(server.addr))
	first, _, _ := m.server.connect(t.Context())
	second, _, _ := m.server.connect(t.Context())
	m.pool.put(first)
	m.pool.put(second)
	m.Close()
	if quits := server.count("QUIT"); quits != 2 {
		t.Errorf("%d QUIT", quits)
	}
	m.Close()
	sends(t, m)
	if quits := server.count("QUIT"); quits != 3 || len(m.pool.idle) != 0 {
		t.Errorf("%d QUIT, %d kept connections", quits, len(m.pool.idle))
	}
	noGoroutine(t)
}

// TestCloseWaits: Close waits for connections whose idle time is over at the same
// moment, even if their server does not reply.
func TestCloseWaits(t *testing.T) {
	t.Parallel()
	quitting := make(chan struct{})
	server := (&scripted{reply: func(line string) string {
		if line == "QUIT" {
			close(quitting)
			return ""
		}
		return usual(line)
	}}).start(t)
	m := newMailer(t, cleartext(server.addr), nil)
	m.pool.maxIdle = 1
	c, at, err := m.server.connect(t.Context())
	if err != nil {
		t.Fatal(at, err)
	}
	m.pool.put(c)
	testenv.Receive(t, "QUIT", quitting)
	m.Close()
	if err := c.raw.SetDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Close returned before the connection was closed: %v", err)
	}
	noGoroutine(t)
}

// noGoroutine checks that no goroutine runs code of a Mailer.
func noGoroutine(t *testing.T) {
	t.Helper()
	testenv.Eventually(t, "all goroutines of the Mailer have ended", func() bool {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		return !slices.ContainsFunc([]string{"mail.(*pool)", "mail.(*connection)", "mail.(*Mailer)"},
			func(owner string) bool { return bytes.Contains(stacks, []byte(owner)) })
	})
}
