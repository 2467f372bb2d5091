package webhook

import (
	"net"
	"net/http"
	"time"

	"code.dny.dev/ssrf"

	"invitebridge/bridge/tlsfault"
)

// maxHeader bounds the headers of an answer, in bytes.
const maxHeader = 64 << 10

// pools are the two ways out. They share no connection, so one that was dialled
// for an excepted URL never serves a guarded one.
type pools struct{ open, guarded *http.Transport }

func newPools() pools {
	// The library's lists are those of IANA's registries of special addresses.
	guard := ssrf.New(ssrf.WithAnyPort(), ssrf.WithNetworks("tcp4", "tcp6"))
	open := newTransport(&net.Dialer{})
	open.Proxy = http.ProxyFromEnvironment
	return pools{open: open, guarded: newTransport(&net.Dialer{Control: guard.Safe})}
}

func (p pools) all() []*http.Transport { return []*http.Transport{p.open, p.guarded} }

// newTransport has no time limits of its own: the context of an attempt bounds
// everything.
func newTransport(dialer *net.Dialer) *http.Transport {
	// HTTP/1.1 only: an attempt that times out then takes its connection along,
	// where HTTP/2 would give a dead one to the next attempt.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            dialer.DialContext,
		Protocols:              protocols,
		TLSClientConfig:        tlsfault.Config(),
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
	}
}
