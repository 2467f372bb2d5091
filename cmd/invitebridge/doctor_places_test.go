package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestDoctorPlaces: stores and sockets that serve could not create, and Kratos
// without a login page.
func TestDoctorPlaces(t *testing.T) {
	kratos := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch place, _ := strings.CutPrefix(r.URL.Path, "/with-page"); {
		case place == "/login":
		case place == "/self-service/login/browser" && place != r.URL.Path:
			http.Redirect(w, r, "/with-page/login?flow=1", http.StatusSeeOther)
		case place == "/self-service/login/browser":
			http.Redirect(w, r, "http://user:CANARY@"+r.Host+"/nowhere?flow=CANARY", http.StatusSeeOther)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(kratos.Close)
	p := newExaminedBridge(startFakeBridge(t))
	const public, dsn = "INVITEBRIDGE_KRATOS_PUBLIC_URL=", "INVITEBRIDGE_DSN=bolt://"
	for _, c := range []struct{ name, environ, check, verdict, text string }{
		{"the bridge has it open", "", "dsn", verdictOK, "can be opened or created"},
		{"no directory", dsn + "/nowhere/invites.db", "dsn", verdictProblem, "there is no directory /nowhere"},
		{"a directory", dsn + t.TempDir(), "dsn", verdictProblem, "the store file cannot be opened"},
		{"no directory for a socket", "INVITEBRIDGE_SERVE_ADMIN_HOST=unix:/nowhere/x.sock", "serve.admin.host", verdictProblem, "there is no directory"},
		{"a socket", "INVITEBRIDGE_SERVE_PUBLIC_HOST=unix:/tmp/x.sock", "serve.public.host", verdictOK, "the socket can be created"},
		{"a page", public + kratos.URL + "/with-page", "login", verdictOK, "redirects to a login page"},
		{"no page", public + kratos.URL, "login", verdictWarning, kratos.URL + "/nowhere is not found"},
		{"no Kratos", public + closedAddress(t), "login", verdictWarning, "could not be checked from here"},
		{"return_to", "INVITEBRIDGE_INVITATION_RETURN_TO=https://app.example.com/", "login", verdictOK, "https://app.example.com/"},
	} {
		_, findings, _ := p.doctor([]string{c.environ})
		if found := findingsOf(findings, c.check); len(found) != 1 || found[0].Verdict != c.verdict || !strings.Contains(found[0].Message, c.text) {
			t.Errorf("%s: %+v", c.name, found)
		}
	}
}

// TestDoctorMailbox: a server without a mailbox for the sender may still accept
// emails, so that is a warning. No email is sent.
func TestDoctorMailbox(t *testing.T) {
	p := newExaminedBridge(startFakeBridge(t))
	for reply, want := range map[string]string{
		"250 2.1.5 ok": verdictOK, "550 5.1.1 who?": verdictWarning, "451 4.7.1 greylisted": verdictWarning,
		"554 5.7.1 no relaying": verdictProblem, "550 HELO refused": verdictProblem,
	} {
		server := startSMTP(t, reply)
		_, findings, _ := p.doctor([]string{
			"INVITEBRIDGE_COURIER_SMTP_CONNECTION_URI=smtp://" + server.address + "/?disable_starttls=true", "INVITEBRIDGE_COURIER_SMTP_FROM_ADDRESS=noreply@example.com",
		})
		if found := findingsOf(findings, "courier.smtp"); len(found) != 1 || found[0].Verdict != want {
			t.Errorf("%s: %+v", reply, found)
		}
		if heard := <-server.heard; strings.Contains(heard, "DATA") || !strings.Contains(heard, "RCPT TO:<noreply@example.com>") {
			t.Errorf("%s: %s", reply, heard)
		}
	}
}

// smtpServer is a mail server for one connection with a fixed reply to RCPT.
type smtpServer struct {
	address string
	heard   chan string
}

func startSMTP(t *testing.T, rcpt string) smtpServer {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s := smtpServer{l.Addr().String(), make(chan string, 1)}
	go func() {
		conn, err := l.Accept()
		if err != nil {
			s.heard <- err.Error()
			return
		}
		defer conn.Close()
		var heard strings.Builder
		_, _ = io.WriteString(conn, "220 hello\r\n")
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			heard.WriteString(lines.Text() + "\n")
			answer := "250 ok"
			if strings.HasPrefix(lines.Text(), "RCPT") {
				answer = rcpt
			}
			_, _ = io.WriteString(conn, answer+"\r\n")
		}
		s.heard <- heard.String()
	}()
	return s
}
