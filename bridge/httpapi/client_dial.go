package httpapi

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// parseEndpoint parses the address of a listener: a URL, or unix: and the path of
// a socket. For a socket, the URL's host is localhost.
func parseEndpoint(endpoint string) (u *url.URL, socket string, err error) {
	path, isSocket := strings.CutPrefix(endpoint, "unix:")
	if isSocket {
		endpoint, socket = "http://localhost", path
	}
	u, err = url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		isSocket && !strings.HasPrefix(socket, "/") {
		// The error of url.Parse quotes the text, and so a password in it.
		return nil, "", errors.New("the endpoint must be an absolute http or https URL without user, query or fragment, such as http://127.0.0.1:4489, or unix: followed by an absolute path")
	}
	return u, socket, nil
}

// newHTTPClient returns a client that does not follow redirects. If socket is not
// empty, it connects to that unix socket.
func newHTTPClient(timeout time.Duration, socket string) *http.Client {
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		IdleConnTimeout:        30 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
	if socket != "" {
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}
	}
	return &http.Client{
		Transport:     transport,
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
