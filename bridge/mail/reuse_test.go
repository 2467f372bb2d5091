package mail

import (
	"bytes"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/testenv"
)

// patient returns a Mailer that closes no idle connection while a test runs.
func patient(t *testing.T, uri string) *Mailer {
	t.Helper()
	m := newMailer(t, uri, nil)
	m.pool.maxIdle = time.Hour
	return m
}

func cleartext(addr string) string { return "smtp://" + addr + "/?disable_starttls=true" }

// sends checks that an email is sent.
func sends(t *testing.T, m *Mailer) {
	t.Helper()
	want(t, m.Send(t.Context(), invitation()), bridge.AttemptSent, 250, "")
}

// TestReuse: emails share a connection, which logs in once, and each arrives once.
func TestReuse(t *testing.T) {
	login := []string{"PLAIN"}
	for name, test := range map[string]struct {
		server *smtpd
		uri    string
		logins int
	}{
		"cleartext":              {&smtpd{noTLS: true}, "smtp://HOST/?disable_starttls=true", 0},
		"STARTTLS and login":     {&smtpd{mechanisms: login}, "smtp://" + credentials + "@HOST/", 1},
		"implicit TLS and login": {&smtpd{mechanisms: login, implicit: true}, "smtps://" + credentials + "@HOST/", 1},
	} {
		t.Run(name, func(t *testing.T) {
			server := test.server.start(t)
			m := newMailer(t, strings.Replace(test.uri, "HOST", server.addr, 1), server.roots)
			m.pool.maxIdle = time.Hour
			for range 5 {
				sends(t, m)
			}
			logins, _, emails := server.seen()
			if n := server.connections.Load(); n != 1 || len(logins) != test.logins || emails != 5 {
				t.Errorf("%d connections, %d logins, %d emails", n, len(logins), emails)
			}
			for _, email := range server.accepted {
				if !bytes.Equal(email.data, server.accepted[0].data) || len(email.to) != 1 {
					t.Errorf("another email to %q:\n%s", email.to, email.data)
				}
			}
		})
	}
}

// TestReuseIsBounded: a connection carries a limited number of emails, and is
// closed in the way that servers expect.
func TestReuseIsBounded(t *testing.T) {
	var begun, most atomic.Int32
	server := (&scripted{reply: func(line string) string {
		switch line {
		case greeting:
			begun.Store(0)
		case "DATA":
			most.Store(max(most.Load(), begun.Add(1)))
		}
		return usual(line)
	}}).start(t)
	m := patient(t, cleartext(server.addr))
	for range 2*maxEmails + 1 {
		sends(t, m)
	}
	if n, quits := len(server.accepted()), server.count("QUIT"); n != 3 || quits != 2 || most.Load() != maxEmails {
		t.Errorf("%d connections with up to %d emails, %d QUIT", n, most.Load(), quits)
	}
	// The documentation of email has these figures.
	if m := newMailer(t, "smtp://127.0.0.1/", nil); m.pool.maxIdle != 5*time.Second || maxEmails != 50 {
		t.Errorf("connections are kept for %s and %d emails", m.pool.maxIdle, maxEmails)
	}
}

// TestReuseConcurrently: there are never more connections than emails at once.
func TestReuseConcurrently(t *testing.T) {
	const atOnce, emails = 8, 400
	server := (&smtpd{noTLS: true}).start(t)
	m := patient(t, cleartext(server.addr))
	jobs := make(chan struct{})
	var group sync.WaitGroup
	for range atOnce {
		group.Go(func() {
			for range jobs {
				sends(t, m)
			}
		})
	}
	for range emails {
		jobs <- struct{}{}
	}
	close(jobs)
	group.Wait()
	_, _, sent := server.seen()
	if n, kept := server.connections.Load(), len(m.pool.idle); sent != emails || kept > atOnce || n > atOnce+emails/maxEmails {
		t.Errorf("%d emails on %d connections, of which %d are kept", sent, n, kept)
	}
	m.Close()
	if len(m.pool.idle) != 0 {
		t.Errorf("%d connections are kept after Close", len(m.pool.idle))
	}
}

// TestReuseAfterRejection: an email that is rejected does not disturb the next one
// on the same connection.
func TestReuseAfterRejection(t *testing.T) {
	for name, pipelining := range map[string]string{"one command at a time": "250 mail.test", "pipelining": "250-mail.test\r\n250 PIPELINING"} {
		for command, want := range map[string]string{
			"RCPT": "\nRSET\nMAIL FROM:", ".": "\n.\nRSET\nMAIL FROM:",
		} {
			t.Run(name+", "+command, func(t *testing.T) {
				var emails atomic.Int32
				server := (&scripted{reply: func(line string) string {
					word, _, _ := strings.Cut(line, " ")
					switch second := emails.Load() == 1; {
					case word == "EHLO":
						return pipelining
					case word == "MAIL":
						emails.Add(1)
					case word == command && emails.Load() == 2:
						return "550 5.1.1 no " + canaryToken
					case word == "DATA" && command == "RCPT" && emails.Load() == 2 && !second:
						return "554 5.5.1 no valid recipients"
					}
					return usual(line)
				}}).start(t)
				m := patient(t, cleartext(server.addr))
				sends(t, m)
				wantRejected(t, m, command)
				sends(t, m)
				if n := len(server.accepted()); n != 1 || !strings.Contains(server.received(), want) || server.count("RSET") != 1 {
					t.Errorf("%d connections; the server received\n%s", n, server.received())
				}
			})
		}
	}
}

// TestSlowAfterRejection: the short time limit of RSET does not apply to the next
// email.
func TestSlowAfterRejection(t *testing.T) {
	t.Parallel()
	var emails atomic.Int32
	server := (&scripted{reply: func(line string) string {
		switch first := emails.Load() == 0; {
		case line == "." && first:
			emails.Add(1)
			return "550 5.7.1 no"
		case line == ".":
			time.Sleep(quitTimeout + 50*time.Millisecond)
		}
		return usual(line)
	}}).start(t)
	m := patient(t, cleartext(server.addr))
	want(t, m.Send(t.Context(), invitation()), bridge.AttemptFailed, 550, "final dot")
	sends(t, m)
}

func wantRejected(t *testing.T, m *Mailer, command string) {
	t.Helper()
	at := map[string]stage{"RCPT": stageRcpt, ".": stageDot}[command]
	want(t, m.Send(t.Context(), invitation()), bridge.AttemptFailed, 550, string(at)+": the server replied 550 5.1.1")
}

// TestNoContentWithoutRecipient: a server that asks for the content of an email
// whose recipient it has rejected gets none.
func TestNoContentWithoutRecipient(t *testing.T) {
	server := (&scripted{reply: func(line string) string {
		if strings.HasPrefix(line, "EHLO") {
			return "250-mail.test\r\n250 PIPELINING"
		}
		return except("RCPT", "550 5.1.1 no")(line)
	}}).start(t)
	m := patient(t, cleartext(server.addr))
	for range 2 {
		want(t, m.Send(t.Context(), invitation()), bridge.AttemptFailed, 550, "RCPT TO: the server replied 550 5.1.1")
	}
	if received := server.received(); len(server.accepted()) != 2 || strings.Count(received, "\n") != 7 {
		t.Errorf("%d connections; the server received\n%s", len(server.accepted()), received)
	}
}

// TestRepliesAreBoundedForEachEmail: what a server may send is counted anew for
// each email.
func TestRepliesAreBoundedForEachEmail(t *testing.T) {
	server := (&scripted{reply: except("MAIL", strings.Repeat("250-"+strings.Repeat("x", 996)+"\r\n", 600)+"250 yes")}).start(t)
	m := patient(t, cleartext(server.addr))
	for range 4 {
		sends(t, m)
	}
	if n := len(server.accepted()); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestProbeHasItsOwnConnection: a probe neither uses nor closes a kept connection.
func TestProbeHasItsOwnConnection(t *testing.T) {
	server := (&scripted{reply: usual}).start(t)
	m := patient(t, cleartext(server.addr))
	sends(t, m)
	if err := m.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	sends(t, m)
	if n, quits := len(server.accepted()), server.count("QUIT"); n != 2 || quits != 1 {
		t.Errorf("%d connections, %d QUIT", n, quits)
	}
}

// TestIdle: a connection without an email is closed with QUIT, and the next email
// gets a new one.
func TestIdle(t *testing.T) {
	quits := make(chan struct{}, 2)
	server := (&scripted{reply: func(line string) string {
		if line == "QUIT" {
			quits <- struct{}{}
		}
		return usual(line)
	}}).start(t)
	m := newMailer(t, cleartext(server.addr), nil)
	m.pool.maxIdle = time.Millisecond
	for i := range 2 {
		sends(t, m)
		testenv.Receive(t, "QUIT", quits)
		if n := len(server.accepted()); n != i+1 {
			t.Errorf("%d connections after %d emails", n, i+1)
		}
	}
}

// TestIdleOneByOne: connections that were used at different times are closed one
// after the other.
func TestIdleOneByOne(t *testing.T) {
	quits := make(chan struct{}, 2)
	server := (&scripted{reply: func(line string) string {
		if line == "QUIT" {
			quits <- struct{}{}
		}
		return usual(line)
	}}).start(t)
	m := patient(t, cleartext(server.addr))
	for range 2 {
		c, at, err := m.server.connect(t.Context())
		if err != nil {
			t.Fatal(at, err)
		}
		m.pool.put(c)
	}
	m.pool.mu.Lock()
	for i, c := range m.pool.idle {
		c.idleSince = time.Now().Add(-m.pool.maxIdle + time.Duration(i)*20*time.Millisecond)
	}
	m.pool.mu.Unlock()
	m.pool.expire()
	testenv.Receive(t, "QUIT", quits)
	testenv.Receive(t, "the second QUIT", quits)
}
