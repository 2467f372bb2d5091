package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
)

// relay forwards TCP connections to a server, until it falls silent: then it drops
// what arrives and closes nothing, as a network does that is cut.
type relay struct {
	target   string
	listener net.Listener

	mu     sync.Mutex
	silent chan struct{} // closed: those who have it forward nothing any more
	open   []net.Conn
}

// newRelay starts a relay to the server of a DSN, and returns the DSN through it.
func newRelay(ctx context.Context, dsn string) (*relay, string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, "", errors.New("the DSN is invalid")
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	r := &relay{target: u.Host, listener: l, silent: make(chan struct{})}
	go r.accept(ctx)
	u.Host = l.Addr().String()
	return r, u.String(), nil
}

func (r *relay) accept(ctx context.Context) {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := new(net.Dialer).DialContext(ctx, "tcp", r.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		r.mu.Lock()
		silent := r.silent
		r.open = append(r.open, client, server)
		r.mu.Unlock()
		go forward(client, server, silent)
		go forward(server, client, silent)
	}
}

// forward copies until the connection ends. Once it is silent, it copies nothing, and
// closes nothing.
func forward(to, from net.Conn, silent <-chan struct{}) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		select {
		case <-silent:
			_, _ = io.Copy(io.Discard, from)
			return
		default:
		}
		if err == nil {
			_, err = to.Write(buffer[:n])
		}
		if err != nil {
			_ = to.Close()
			return
		}
	}
}

// silence cuts all connections, and those that begin before resume.
func (r *relay) silence(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.silent)
	return nil
}

// resume lets new connections through. Those that were cut stay so.
func (r *relay) resume(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.silent = make(chan struct{})
	return nil
}

func (r *relay) close() {
	_ = r.listener.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.open {
		_ = c.Close()
	}
}
