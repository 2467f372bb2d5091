package pgstore

import (
	"context"
	"encoding/binary"
	"net"
	"strconv"
	"sync"
	"testing"
)

// proxy is a TCP proxy in front of PostgreSQL that can cut connections.
type proxy struct {
	target   string
	listener net.Listener

	mu       sync.Mutex
	toServer int  // bytes that still pass before the cut; negative: all
	toClient int  // likewise
	refusing bool // new connections are closed at once
	silent   bool // nothing passes, and nothing is closed
	trips    int  // requests for a response, but for those that end a transaction
	running  sync.WaitGroup
	open     map[net.Conn]bool
}

// startProxy returns a proxy, and the DSN of a database behind it.
func startProxy(t testing.TB, dsn string) (*proxy, string) {
	t.Helper()
	u := parseURL(t, dsn)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{target: u.Host, listener: listener, toServer: -1, toClient: -1, open: map[net.Conn]bool{}}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.mu.Lock()
		for conn := range p.open {
			_ = conn.Close()
		}
		p.mu.Unlock()
		p.running.Wait()
	})
	u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
	return p, u.String()
}

// cut lets a number of bytes pass in each direction, then closes the connection
// without passing on more. Later connections are not cut.
func (p *proxy) cut(toServer, toClient int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.toServer, p.toClient = toServer, toClient
}

func (p *proxy) refuse(refusing bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusing = refusing
}

func (p *proxy) silence(silent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = silent
}

// armed reports whether a cut has not happened yet.
func (p *proxy) armed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.toServer >= 0 || p.toClient >= 0
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.target)
		p.mu.Lock()
		refusing := p.refusing || err != nil
		if !refusing {
			p.open[client], p.open[server] = true, true
		}
		p.mu.Unlock()
		if refusing {
			_ = client.Close()
			if err == nil {
				_ = server.Close()
			}
			continue
		}
		p.running.Go(func() { p.copy(server, client, &p.toServer, &requests{}) })
		p.running.Go(func() { p.copy(client, server, &p.toClient, nil) })
	}
}

// copy copies until the number of bytes left is used up.
func (p *proxy) copy(to, from net.Conn, left *int, count *requests) {
	defer func() {
		_, _ = to.Close(), from.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, to)
		delete(p.open, from)
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		if p.silent && err == nil {
			p.mu.Unlock()
			continue
		}
		if count != nil {
			p.trips += count.in(buffer[:n])
		}
		pass, cut := n, false
		if *left >= 0 {
			pass = min(n, *left)
			*left -= pass
			if cut = n > pass; cut {
				p.toServer, p.toClient = -1, -1
			}
		}
		p.mu.Unlock()
		if _, writeErr := to.Write(buffer[:pass]); err != nil || writeErr != nil || cut {
			return
		}
	}
}

// roundTrips returns the number of round trips so far.
func (p *proxy) roundTrips() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trips
}

// requests reads the messages of a client, see "Message Formats" in the documentation
// of PostgreSQL.
type requests struct {
	started bool   // the first message, which has no type, is complete
	query   bool   // that has begun
	header  []byte // of a message that has begun
	body    int    // bytes of it that are still to come
	text    []byte // those that came
}

// in returns how many requests for a response are in the next bytes: Sync ends a
// batch, Query is one on its own. It does not count ROLLBACK, for which no caller
// waits.
func (r *requests) in(next []byte) (n int) {
	for len(next) > 0 {
		if r.body > 0 {
			skip := min(r.body, len(next))
			r.text, next = append(r.text, next[:skip]...), next[skip:]
			r.body -= skip
			if r.body == 0 && r.query && string(r.text) != "ROLLBACK\x00" {
				n++
			}
			continue
		}
		r.header, next = append(r.header, next[0]), next[1:]
		size := 5
		if !r.started {
			size = 4
		}
		if len(r.header) == size {
			r.query = r.started && r.header[0] == 'Q'
			if r.started && r.header[0] == 'S' {
				n++
			}
			r.body = int(binary.BigEndian.Uint32(r.header[size-4:])) - 4
			r.started, r.header, r.text = true, nil, nil
		}
	}
	return n
}
