package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/testenv"
)

// TestServerTimeouts: the other tests show that these timeouts disconnect slow
// clients, and do not measure after how long.
func TestServerTimeouts(t *testing.T) {
	s := httpapi.NewServer(http.NotFoundHandler(), time.Minute, slog.New(slog.DiscardHandler))
	for name, c := range map[string]struct{ got, want time.Duration }{
		"headers":          {s.ReadHeaderTimeout, 5 * time.Second},
		"headers and body": {s.ReadTimeout, 15 * time.Second},
		"the next request": {s.IdleTimeout, 2 * time.Minute},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", name, c.got, c.want)
		}
	}
}

// TestSlowClients: clients that send headers or a body slowly are disconnected. A
// well-behaved client is served meanwhile.
func TestSlowClients(t *testing.T) {
	testenv.SkipIfShort(t, "15 s of real time")
	a := start(t)
	o := a.invite(object{"email": email})
	var wg sync.WaitGroup
	slow := func(name, opening string) {
		wg.Go(func() {
			conn, err := net.Dial("tcp", strings.TrimPrefix(a.public, "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			fmt.Fprint(conn, opening)
			go func() {
				for {
					if _, err := conn.Write([]byte("x")); err != nil {
						return
					}
					time.Sleep(200 * time.Millisecond) // the fault itself: a slow client
				}
			}()
			_ = conn.SetReadDeadline(time.Now().Add(testenv.Limit))
			if _, err = io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: not disconnected", name)
			}
		})
	}
	for range 250 {
		slow("headers", "GET /health/alive HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	}
	for range 20 {
		slow("body", "POST "+base+"/"+o.Token+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n")
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for range 5 {
		<-ticker.C
		if got := a.asInvitee(http.MethodGet, "/"+o.Token, nil); got.status != http.StatusOK {
			t.Errorf("a well-behaved client: %d", got.status)
		}
	}
	wg.Wait()
	if got := a.asInvitee(http.MethodPost, "/"+o.Token, object{"password": password}); got.status != http.StatusOK {
		t.Errorf("afterwards: %d %s", got.status, got.body)
	}
}

// TestRawRequests: requests that no client library sends are rejected with 4xx.
func TestRawRequests(t *testing.T) {
	a := start(t)
	for name, raw := range map[string]string{
		"a space in the path":    "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
		"huge headers":           "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"two lengths":            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"an unknown method":      "BREW " + base + "/x HTTP/1.1\r\nHost: x\r\n\r\n",
		"bytes that are no text": "\x00\xff\x16\x03\x01\r\n\r\n",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), testenv.Limit)
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(a.public, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(testenv.Limit))
		fmt.Fprint(conn, raw)
		line, _ := bufio.NewReader(conn).ReadString('\n')
		if !strings.HasPrefix(line, "HTTP/1.1 4") {
			t.Errorf("%s: %q", name, line)
		}
		conn.Close()
		cancel()
	}
}
