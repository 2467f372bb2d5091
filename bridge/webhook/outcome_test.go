package webhook_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/webhook"
)

func TestOutcomeByStatus(t *testing.T) {
	for _, c := range []struct {
		status int
		want   bridge.AttemptOutcome
	}{
		{200, bridge.AttemptSent}, {201, bridge.AttemptSent}, {204, bridge.AttemptSent}, {299, bridge.AttemptSent},
		{300, bridge.AttemptFailed}, {301, bridge.AttemptFailed}, {302, bridge.AttemptFailed}, {304, bridge.AttemptFailed}, {307, bridge.AttemptFailed}, {308, bridge.AttemptFailed},
		{400, bridge.AttemptRetry}, {401, bridge.AttemptRetry}, {404, bridge.AttemptRetry}, {410, bridge.AttemptDisabled}, {422, bridge.AttemptRetry}, {429, bridge.AttemptRetry},
		{500, bridge.AttemptRetry}, {502, bridge.AttemptRetry}, {503, bridge.AttemptRetry}, {504, bridge.AttemptRetry}, {599, bridge.AttemptRetry}, {999, bridge.AttemptRetry},
	} {
		r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
		})
		result := newWebhooks(t, r.URL, nil).Send(t.Context(), dispatch(bridge.EventTokenCreated))
		if result.Outcome != c.want || result.Status != c.status || (result.Detail == "") != (c.want == bridge.AttemptSent) {
			t.Errorf("%d: got %+v", c.status, result)
		}
		if n := len(r.got()); n != 1 {
			t.Errorf("%d: %d requests", c.status, n)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	for _, c := range []struct {
		status int
		header string
		want   time.Duration
	}{
		{429, "120", 2 * time.Minute}, {503, "120", 2 * time.Minute}, {429, "0", 0}, {500, "120", 0}, {404, "120", 0},
		{429, "", 0}, {429, "-5", 0}, {429, "soon", 0}, {429, "1.5", 0},
		{429, "86401", 24 * time.Hour}, {429, strings.Repeat("9", 40), 24 * time.Hour},
		{503, now.Add(90 * time.Second).Format(http.TimeFormat), 90 * time.Second},
		{503, now.Add(-time.Hour).Format(http.TimeFormat), 0},
		{503, now.Add(1000 * time.Hour).Format(http.TimeFormat), 24 * time.Hour},
	} {
		r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", c.header)
			w.WriteHeader(c.status)
		})
		d := dispatch(bridge.EventTokenCreated)
		d.At = now
		result := newWebhooks(t, r.URL, nil).Send(t.Context(), d)
		if result.Outcome != bridge.AttemptRetry || result.RetryAfter != c.want {
			t.Errorf("%d, Retry-After %q: got %+v", c.status, c.header, result)
		}
	}
}

// hijacked passes each connection to serve and returns the URL.
func hijacked(t *testing.T, serve func(*net.TCPConn)) string {
	t.Helper()
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			serve(conn.(*net.TCPConn))
		}
	})
	return r.URL
}

// reset ends a connection with a TCP reset.
func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}

func TestHostileReceivers(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	defer close(stop)
	drip := func(head string) func(*net.TCPConn) {
		return func(conn *net.TCPConn) {
			defer conn.Close()
			_, _ = io.WriteString(conn, head)
			for {
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
					if _, err := conn.Write([]byte("a")); err != nil {
						return
					}
				}
			}
		}
	}
	var streamed atomic.Int64
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	_, _ = zip.Write(make([]byte, 8<<20))
	_ = zip.Close()
	secure := httptest.NewTLSServer(status(http.StatusOK))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer secure.Close()
	mute, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	refused, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = refused.Close()

	for name, c := range map[string]struct {
		url  string
		want bridge.AttemptOutcome
	}{
		"headers drip": {hijacked(t, drip("HTTP/1.1 200 OK\r\nX-Endless: ")), bridge.AttemptRetry},
		"no response":  {hijacked(t, drip("")), bridge.AttemptRetry},
		"body drips":   {hijacked(t, drip("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")), bridge.AttemptSent},
		"10 GB body": {newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
			chunk := make([]byte, 1<<20)
			for range 10 << 10 {
				n, err := w.Write(chunk)
				streamed.Add(int64(n))
				if err != nil {
					return
				}
			}
		}).URL, bridge.AttemptSent},
		"gzip bomb": {newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		}).URL, bridge.AttemptSent},
		"reset after 200": {hijacked(t, func(conn *net.TCPConn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
			time.Sleep(50 * time.Millisecond) // the reset must not overtake the response; on a busy machine it still may
			reset(conn)
		}), bridge.AttemptSent},
		"reset before any response": {hijacked(t, reset), bridge.AttemptRetry},
		"garbage": {hijacked(t, func(conn *net.TCPConn) {
			defer conn.Close()
			_, _ = io.WriteString(conn, "SSH-2.0-OpenSSH\r\n\r\n")
		}), bridge.AttemptRetry},
		"huge headers": {newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Big", strings.Repeat("a", 1<<20))
		}).URL, bridge.AttemptRetry},
		"unknown authority":     {secure.URL, bridge.AttemptRetry},
		"TLS to a plain server": {strings.Replace(newReceiver(t, status(200)).URL, "http:", "https:", 1), bridge.AttemptRetry},
		"TLS to a mute server":  {"https://" + mute.Addr().String(), bridge.AttemptRetry},
		"connection refused":    {"http://" + refused.Addr().String(), bridge.AttemptRetry},
		"unknown name":          {"http://nowhere.invalid", bridge.AttemptRetry},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWebhooks(t, c.url, func(h *webhook.Hook) {
				switch name {
				case "headers drip", "no response", "TLS to a mute server": // only the timeout ends these
					h.Timeout = time.Second
				}
			})
			begun := time.Now()
			result := w.Send(t.Context(), dispatch(bridge.EventTokenCreated))
			if took := time.Since(begun); took >= longTimeout && name != "unknown name" { // a name server may be slow
				t.Errorf("the longest timeout ended it, after %s", took)
			}
			for tries := 1; name == "reset after 200" && result.Outcome != c.want && tries < 20; tries++ {
				result = w.Send(t.Context(), dispatch(bridge.EventTokenCreated))
			}
			if result.Outcome != c.want || (result.Detail == "") != (c.want == bridge.AttemptSent) {
				t.Errorf("got %+v", result)
			}
		})
	}
	if n := streamed.Load(); n > 64<<20 {
		t.Errorf("%d bytes were read", n)
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	hang := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	r := newReceiver(t, func(http.ResponseWriter, *http.Request) { cancel(); <-hang })
	defer close(hang)
	begun := time.Now()
	result := newWebhooks(t, r.URL, nil).Send(ctx, dispatch(bridge.EventTokenCreated))
	if result.Outcome != bridge.AttemptRetry || time.Since(begun) >= longTimeout {
		t.Errorf("got %+v after %s", result, time.Since(begun))
	}
}
