package webhook

import (
	"net"
	"net/http"
	"time"

	"code.dny.dev/ssrf"

	"invitebridge/bridge/tlsfault"
)

// Concurrency is for how many concurrent attempts to one receiver connections are
// kept. Further ones work, but open and close a connection each.
const Concurrency = 32

// maxHeader bounds the headers of a response, in bytes.
const maxHeader = 64 << 10

// transports holds the two transports. They share no connections, so a connection
// that was dialed for an exempt URL is never used for a restricted hook.
type transports struct{ unrestricted, publicOnly *http.Transport }

func newTransports() transports {
	// The library's lists are those of IANA's registries of special addresses.
	guard := ssrf.New(ssrf.WithAnyPort(), ssrf.WithNetworks("tcp4", "tcp6"))
	open := newTransport(&net.Dialer{})
	open.Proxy = http.ProxyFromEnvironment
	return transports{unrestricted: open, publicOnly: newTransport(&net.Dialer{Control: guard.Safe})}
}

func (p transports) all() []*http.Transport { return []*http.Transport{p.unrestricted, p.publicOnly} }

// newTransport has no time limits of its own: the context of an attempt bounds
// everything.
func newTransport(dialer *net.Dialer) *http.Transport {
	// HTTP/1.1 only: an attempt that times out then closes its connection, while
	// HTTP/2 would reuse a broken one for the next attempt.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            dialer.DialContext,
		Protocols:              protocols,
		TLSClientConfig:        tlsfault.Config(),
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConns:           4 * Concurrency,
		MaxIdleConnsPerHost:    Concurrency,
		IdleConnTimeout:        90 * time.Second,
	}
}
