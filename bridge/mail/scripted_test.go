package mail

import (
	"bufio"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// scripted is a mail server that misbehaves. It answers each line with what
// reply gives: "" is no answer at all, and "cut" ends the connection. The
// greeting answers the line of that name.
type scripted struct {
	reply func(line string) string
	drip  time.Duration // between the bytes of an answer

	addr  string
	mu    sync.Mutex
	lines []string
}

const greeting = "GREETING"

// usual is what a server without extensions says.
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
		return "" // a line of the letter
	}
}

// except answers as usual but for one command.
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
			group.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); group.Wait() })
	return s
}

// serve ends when the client hangs up.
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
	case answer == "cut":
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

// heard is all that the client said.
func (s *scripted) heard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}
