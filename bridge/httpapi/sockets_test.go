//go:build unix

package httpapi_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"invitebridge/bridge/testenv"
)

// TestManySockets: 5000 clients that never finish their headers are disconnected
// in time, and a well-behaved client is served meanwhile.
func TestManySockets(t *testing.T) {
	testenv.SkipIfShort(t, "5,000 sockets")
	const sockets = 5000
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur < 2*sockets+500 { // both ends are in this process
		t.Skipf("needs more open files than %d: ulimit -n", limit.Cur)
	}
	a := start(t)
	o := a.invite(object{"email": email})
	served := func() {
		t.Helper()
		if got := a.asInvitee(http.MethodGet, "/"+o.Token, nil); got.status != http.StatusOK {
			t.Errorf("a well-behaved client: %d", got.status)
		}
	}
	before, begin := heap(), time.Now()
	conns := make([]net.Conn, sockets)
	opened := make([]time.Time, sockets)
	for i := range conns {
		conn, err := net.Dial("tcp", strings.TrimPrefix(a.public, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns[i], opened[i] = conn, time.Now()
		fmt.Fprint(conn, "GET /health/alive HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		if i%500 == 0 {
			served()
		}
	}
	all := time.Since(begin)
	served()
	held := int64(heap()) - int64(before)
	for first := opened[0]; time.Since(first) < 4*time.Second; time.Sleep(250 * time.Millisecond) {
		served() // before the first is disconnected
	}
	for i, conn := range conns {
		_ = conn.SetReadDeadline(time.Now().Add(testenv.Limit))
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("socket %d is open after %s", i, time.Since(opened[i]))
		}
	}
	served()
	t.Logf("%d sockets were opened in %s and held %d KB", sockets, all.Round(time.Millisecond), held>>10)
	if held > 100<<20 {
		t.Errorf("the sockets held %d MB", held>>20)
	}
}
