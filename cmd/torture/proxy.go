package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"path/filepath"
	"sync"
	"time"
)

// proxy sends each request of a client to another replica than the one before. If a
// replica refuses the connection, the next one gets the request. If one cuts the
// connection later, the client's is cut too: the request may have taken effect.
type proxy struct {
	public, admin string // paths of unix sockets
	replicas      []*process
	servers       []*http.Server

	mu    sync.Mutex
	next  map[string]int // replica of the next request, by client
	cuts  int            // connections that a replica cut while it was stopping
	wrong error          // of a replica that was not stopping
}

// clientHeader names the client of a request to the proxy.
const clientHeader = "X-Torture-Client"

type clientKey struct{}

// asClient names the client of the calls with a context.
func asClient(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, clientKey{}, name)
}

func newProxy(ctx context.Context, dir string, all []*process) (*proxy, error) {
	p := &proxy{
		public: filepath.Join(dir, "public.sock"), admin: filepath.Join(dir, "admin.sock"),
		replicas: all, next: make(map[string]int),
	}
	for _, side := range []struct {
		socket string
		of     func(*process) string
	}{
		{p.public, func(r *process) string { return r.public }},
		{p.admin, func(r *process) string { return r.admin }},
	} {
		l, err := new(net.ListenConfig).Listen(ctx, "unix", side.socket)
		if err != nil {
			p.close()
			return nil, err
		}
		server := &http.Server{Handler: p.handler(side.of), ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
		p.servers = append(p.servers, server)
		go func() { _ = server.Serve(l) }()
	}
	return p, nil
}

func (p *proxy) close() {
	for _, s := range p.servers {
		_ = s.Close()
	}
}

// handler forwards requests to one of the two sockets of the replicas.
func (p *proxy) handler(socket func(*process) string) http.Handler {
	transports := make([]*http.Transport, len(p.replicas))
	for i, r := range p.replicas {
		path := socket(r)
		transports[i] = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}}
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "bridge.example"
		},
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) { return p.forward(transports, r) }),
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
			panic(http.ErrAbortHandler) // cuts the connection
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (p *proxy) forward(transports []*http.Transport, r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	first := p.choose(r.Header.Get(clientHeader))
	for i := range transports {
		if r.Body != nil {
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		n := (first + i) % len(transports)
		response, err := transports[n].RoundTrip(r)
		var refused *net.OpError
		if err == nil || !errors.As(err, &refused) || refused.Op != "dial" {
			p.note(n, err)
			return response, err
		}
	}
	err := errors.New("no replica accepts connections")
	p.note(first, err)
	return nil, err
}

func (p *proxy) note(n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
	case p.replicas[n].stopping.Load():
		p.cuts++
	case p.wrong == nil:
		p.wrong = fmt.Errorf("a replica that ran cut a connection: %w", err)
	}
}

// fault returns the first error of a replica that was not stopping.
func (p *proxy) fault() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wrong
}

func (p *proxy) cutCount() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

func (p *proxy) choose(client string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.next[client]
	p.next[client] = (n + 1) % len(p.replicas)
	return n
}
