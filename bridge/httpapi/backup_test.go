package httpapi_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/testenv"
)

func TestBackupDeadline(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		read  int64
		after time.Duration
		want  time.Duration
	}{
		{0, 0, 30 * time.Second},
		{600 << 10, 9 * time.Minute, 30 * time.Second}, // 1 KB per second
		{600 << 10, 9*time.Minute + 50*time.Second, 10 * time.Second},
		{600 << 10, 10 * time.Minute, 0},
		{599 * mib, 11 * time.Minute, -time.Minute},
		{700 * mib, 11 * time.Minute, 30 * time.Second},
		{3600 * mib, time.Hour, 0},
		{100_000 * mib, 10 * time.Hour, 30 * time.Second},
	} {
		if got := httpapi.BackupDeadline(c.read, c.after); got != c.want {
			t.Errorf("%d bytes after %v: %v, want %v", c.read, c.after, got, c.want)
		}
	}
}

// TestSlowBackup: a client that reads slowly and without end is disconnected, and
// the next backup can start.
func TestSlowBackup(t *testing.T) {
	w := bridgetest.New(t)
	w.Store.Store = endlessStore{w.Store.Store}
	a := httpapi.New(w.Service, httpapi.Config{
		BasePath: base, APIKeys: []httpapi.APIKey{{Name: "backend", SHA256: sha256.Sum256([]byte(key))}}, Log: slog.New(slog.DiscardHandler),
	})
	httpapi.SetBackupTime(a, 500*time.Millisecond)
	admin, ended := a.Admin(), make(chan struct{}, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { ended <- struct{}{} }()
		admin.ServeHTTP(w, r)
		t.Error("the handler returned instead of aborting the response")
	}))
	s.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		if state == http.StateNew { // data in socket buffers counts as read
			_ = conn.(*net.TCPConn).SetWriteBuffer(4 << 10)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	for range 2 {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		_, _ = fmt.Fprintf(conn, "GET %s/backup HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n", base, key)
		go func() {
			for { // the fault itself: a slow client
				if _, err := conn.Read(make([]byte, 100)); err != nil {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		}()
		select {
		case <-ended:
			t.Logf("cut off after %v", time.Since(begin))
		case <-time.After(testenv.Limit):
			t.Error("the backup still runs")
		}
		_ = conn.Close()
	}
}

// endlessStore is a store whose backup ends only when writing fails.
type endlessStore struct{ bridge.Store }

func (endlessStore) Backup(_ context.Context, w io.Writer) (err error) {
	for piece := make([]byte, 1<<10); err == nil; {
		_, err = w.Write(piece)
	}
	return err
}
