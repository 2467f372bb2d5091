package mail

import (
	"strings"
	"testing"
	"time"
)

// TestRepliesOutOfStep: the reply to no command arrives later, so that each command
// of the next email gets the reply to the one before. Nothing is sent after that, for
// the server takes it for the content; the email arrives on a new connection.
func TestRepliesOutOfStep(t *testing.T) {
	for name, hello := range map[string]string{"one by one": "250 mail.test", "pipelining": "250-mail.test\r\n250 PIPELINING"} {
		t.Run(name, func(t *testing.T) {
			late := secondFails("MAIL", "250 once more\r\n250 yes")
			server := (&scripted{drip: time.Millisecond, reply: func(line string) string {
				if answer := late(line); !strings.HasPrefix(line, "EHLO") {
					return answer
				}
				return hello
			}}).start(t)
			m := patient(t, cleartext(server.addr))
			sends(t, m)
			sends(t, m)
			if n, dots, more := len(server.accepted()), server.count("."), server.count("RSET")+server.count("QUIT"); n != 2 || dots != 2 || more != 0 {
				t.Errorf("%d emails on %d connections; the server received\n%s", dots, n, server.received())
			}
		})
	}
}
