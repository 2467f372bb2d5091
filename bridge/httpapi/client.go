package httpapi

import (
	"net/http"
	"net/netip"
	"strings"
)

// clientIP gives the address a request is counted under. Only declared proxies
// are believed, each for the hop before it: the list is read from its end.
func (a *API) clientIP(r *http.Request) netip.Addr {
	addr := peer(r)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && a.isProxy(addr); i-- {
		hop, ok := parseHop(strings.TrimSpace(hops[i]))
		if !ok {
			break
		}
		addr = hop.Unmap().WithZone("")
	}
	return addr
}

// parseHop reads an address; some gateways add the port.
func parseHop(text string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr, true
	}
	ap, err := netip.ParseAddrPort(text)
	return ap.Addr(), err == nil
}

func (a *API) trustedPeer(r *http.Request) bool { return a.isProxy(peer(r)) }

// isProxy says whether an address is that of a declared proxy. The zero one is
// that of a unix socket's peer.
func (a *API) isProxy(addr netip.Addr) bool {
	if !addr.IsValid() {
		return a.config.TrustUnixPeers
	}
	for _, prefix := range a.config.TrustedProxies {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// peer gives the address of the TCP connection; zero if it is a unix socket.
func peer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}
