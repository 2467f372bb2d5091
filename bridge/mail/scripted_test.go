package mail

import (
	"bufio"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// scripted is a mail server that can misbehave. It answers each line with what
// reply returns: "" is no answer, and "close" closes the connection. The reply to
// the line GREETING is the greeting.
type scripted struct {
	reply func(line string) string
	drip  time.Duration // between the bytes of an answer
	// cut closes the connection after the first line of an email's content, if it
	// returns true; nil: it never does.
	cut func() bool

	addr  string
	mu    sync.Mutex
	conns []*net.TCPConn
	lines []string
}

const greeting = "GREETING"

// usual returns the reply of a server without extensions.
func usual(line string) string {
	switch command, _, _ := strings.Cut(line, " "); strings.ToUpper(command) {
	case greeting:
		return "220 mail.test ready"
	case "DATA":
		return "354 go on"
	case "QUIT":
		return "221 bye"
	case "EHLO", "HELO", "MAIL", "RCPT", ".", "RSET", "NOOP":
		return "250 yes"
	default:
		return "" // a line of the email
	}
}

// except returns a reply function that is usual except for one command.
func except(command, answer string) func(string) string {
	return func(line string) string {
		if word, _, _ := strings.Cut(line, " "); strings.EqualFold(word, command) {
			return answer
		}
		return usual(line)
	}
}

func (s *scripted) start(t *testing.T) *scripted {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = listener.Addr().String()
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, conn.(*net.TCPConn))
			s.mu.Unlock()
			group.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); group.Wait() })
	return s
}

// serve returns when the client closes the connection.
func (s *scripted) serve(conn net.Conn) {
	defer conn.Close()
	if !s.say(conn, s.reply(greeting)) {
		return
	}
	for in, inData := bufio.NewScanner(conn), false; in.Scan(); {
		line := in.Text()
		s.mu.Lock()
		s.lines = append(s.lines, line)
		s.mu.Unlock()
		if inData && line != "." {
			if s.cut != nil && s.cut() {
				return
			}
			continue
		}
		answer := s.reply(line)
		inData = strings.HasPrefix(answer, "354")
		if !s.say(conn, answer) {
			return
		}
	}
}

func (s *scripted) say(conn net.Conn, answer string) bool {
	switch {
	case answer == "close":
		return false
	case answer == "":
		return true
	case s.drip == 0:
		_, err := conn.Write([]byte(answer + "\r\n"))
		return err == nil
	}
	for _, b := range []byte(answer + "\r\n") {
		if _, err := conn.Write([]byte{b}); err != nil {
			return false
		}
		time.Sleep(s.drip)
	}
	return true
}

// received returns all lines that the client sent.
func (s *scripted) received() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

// accepted returns the connections of clients, also those that were closed.
func (s *scripted) accepted() []*net.TCPConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.conns)
}

// count returns how often the client sent a line that begins so.
func (s *scripted) count(prefix string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, line := range s.lines {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}
