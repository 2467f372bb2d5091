package main

import (
	"io"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestStoreCopy_kill9 kills the process several times while it copies, at places that
// do not depend on the speed of the machine: after a number of bytes. The run that
// follows continues, and the copy is complete.
func TestStoreCopy_kill9(t *testing.T) {
	p := newProcess(t, "http://127.0.0.1:1", "")
	c := newCopying(t, 3000)
	// A batch of 500 invitations has some 300,000 bytes.
	for _, size := range []int64{5_000, 450_000, 450_000, 600_000} {
		way := newNarrowWay(t, c.dsn(), size)
		cmd := exec.Command(p.binary, "store", "copy", "--from", "bolt://"+c.file, "-e")
		cmd.Env = []string{envDSN + "=" + way.dsn}
		cmd.Stderr = t.Output()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-way.full:
			_ = cmd.Process.Kill()
			if err := <-ended; err == nil {
				t.Fatal("it ended without being killed")
			}
		case err := <-ended:
			t.Fatalf("it ended before it was killed: %v", err)
		}
		way.close()
		if !c.opens() {
			t.Error("the file is sealed before the copy is complete")
		}
	}
	if c.serves() {
		t.Error("a bridge can use an unfinished copy")
	}
	c.succeeds("continues after invitation ", ": invitations 3003, tokens ")
	c.equal()
}

// narrowWay leads to a database, and stops after a number of bytes to it.
type narrowWay struct {
	dsn   string
	full  chan struct{} // closed when it stops
	close func()
}

func newNarrowWay(t *testing.T, dsn string, size int64) narrowWay {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u.Host = listener.Addr().String()
	w := narrowWay{dsn: u.String(), full: make(chan struct{})}
	var left atomic.Int64
	left.Store(size)
	var conns sync.WaitGroup
	closed := make(chan struct{})
	stop := sync.OnceFunc(func() { close(w.full) })
	pass := func(client net.Conn) {
		defer client.Close()
		backend, err := net.Dial("tcp", server)
		if err != nil {
			t.Error(err)
			return
		}
		defer backend.Close()
		go func() { _, _ = io.Copy(client, backend) }()
		buffer := make([]byte, 4096)
		for {
			n, err := client.Read(buffer)
			if err != nil {
				return
			}
			if left.Add(-int64(n)) < 0 {
				stop()
				<-closed
				return
			}
			if _, err := backend.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
	conns.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { pass(client) })
		}
	})
	w.close = sync.OnceFunc(func() { close(closed); listener.Close(); conns.Wait() })
	t.Cleanup(w.close)
	return w
}

// TestStoreCopy_password: a password is not accepted where others can see it, and is
// never printed.
func TestStoreCopy_password(t *testing.T) {
	for _, dsn := range []string{
		"postgres://bridge:CANARY@127.0.0.1:1/db", "postgres://bridge@127.0.0.1:1/db?password=CANARY",
		"postgres://127.0.0.1:1/db?sslpassword=CANARY", "postgres://CANARY:%zz@127.0.0.1/db", "mysql://CANARY:CANARY@127.0.0.1/db", "CANARY",
	} {
		for _, args := range [][]string{{"--from", "bolt:///none.db", "--to", dsn}, {"--from", dsn, "--to", "postgres://127.0.0.1:1/db"}} {
			code, out, errs := command(t, nil, append([]string{"store", "copy"}, args...)...)
			if code != exitUsage || strings.Contains(out+errs, "CANARY") {
				t.Errorf("%q: exit code %d: %s%s", args, code, out, errs)
			}
		}
	}
}
