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
)

func TestOutcomeByStatus(t *testing.T) {
	for _, c := range []struct {
		status int
		want   bridge.SendOutcome
	}{
		{200, bridge.Sent}, {201, bridge.Sent}, {204, bridge.Sent}, {299, bridge.Sent},
		{300, bridge.Failed}, {301, bridge.Failed}, {302, bridge.Failed}, {304, bridge.Failed}, {307, bridge.Failed}, {308, bridge.Failed},
		{400, bridge.Retry}, {401, bridge.Retry}, {404, bridge.Retry}, {410, bridge.Disabled}, {422, bridge.Retry}, {429, bridge.Retry},
		{500, bridge.Retry}, {502, bridge.Retry}, {503, bridge.Retry}, {504, bridge.Retry}, {599, bridge.Retry}, {999, bridge.Retry},
	} {
		r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
		})
		result := telling(t, r.URL, nil).Send(t.Context(), dispatch(bridge.EventTokenCreated))
		if result.Outcome != c.want || result.Status != c.status || (result.Detail == "") != (c.want == bridge.Sent) {
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
		result := telling(t, r.URL, nil).Send(t.Context(), d)
		if result.Outcome != bridge.Retry || result.RetryAfter != c.want {
			t.Errorf("%d, Retry-After %q: got %+v", c.status, c.header, result)
		}
	}
}

// hijacked serves each connection by hand.
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
	silent := httptest.NewTLSServer(status(http.StatusOK))
	silent.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer silent.Close()
	deaf, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	refused, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = refused.Close()

	for name, c := range map[string]struct {
		url  string
		want bridge.SendOutcome
	}{
		"headers drip": {hijacked(t, drip("HTTP/1.1 200 OK\r\nX-Endless: ")), bridge.Retry},
		"no answer":    {hijacked(t, drip("")), bridge.Retry},
		"body drips":   {hijacked(t, drip("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")), bridge.Sent},
		"10 GB body": {newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
			chunk := make([]byte, 1<<20)
			for range 10 << 10 {
				n, err := w.Write(chunk)
				streamed.Add(int64(n))
				if err != nil {
					return
				}
			}
		}).URL, bridge.Sent},
		"gzip bomb": {newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		}).URL, bridge.Sent},
		"reset after 200": {hijacked(t, func(conn *net.TCPConn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
			time.Sleep(50 * time.Millisecond) // or the reset overtakes the answer
			reset(conn)
		}), bridge.Sent},
		"reset before any answer": {hijacked(t, reset), bridge.Retry},
		"garbage": {hijacked(t, func(conn *net.TCPConn) {
			defer conn.Close()
			_, _ = io.WriteString(conn, "SSH-2.0-OpenSSH\r\n\r\n")
		}), bridge.Retry},
		"huge headers": {newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Big", strings.Repeat("a", 1<<20))
		}).URL, bridge.Retry},
		"unknown authority":      {silent.URL, bridge.Retry},
		"TLS with who has none":  {strings.Replace(newReceiver(t, status(200)).URL, "http:", "https:", 1), bridge.Retry},
		"TLS with who is silent": {"https://" + deaf.Addr().String(), bridge.Retry},
		"connection refused":     {"http://" + refused.Addr().String(), bridge.Retry},
		"unknown name":           {"http://nowhere.invalid", bridge.Retry},
	} {
		t.Run(name, func(t *testing.T) {
			w := telling(t, c.url, nil)
			begun := time.Now()
			result := w.Send(t.Context(), dispatch(bridge.EventTokenCreated))
			if took := time.Since(begun); took > 1500*time.Millisecond { // the timeout is one second
				t.Errorf("took %s", took)
			}
			if result.Outcome != c.want || (result.Detail == "") != (c.want == bridge.Sent) {
				t.Errorf("got %+v", result)
			}
		})
	}
	if n := streamed.Load(); n > 64<<20 {
		t.Errorf("%d bytes were taken in", n)
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	hang := make(chan struct{})
	r := newReceiver(t, func(http.ResponseWriter, *http.Request) { <-hang })
	defer close(hang)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	begun := time.Now()
	result := telling(t, r.URL, nil).Send(ctx, dispatch(bridge.EventTokenCreated))
	if result.Outcome != bridge.Retry || time.Since(begun) > 800*time.Millisecond {
		t.Errorf("got %+v after %s", result, time.Since(begun))
	}
}
