package httpapi

import (
	"net/http"
	"net/netip"
	"strings"
)

// clientIP returns the client address of a request. X-Forwarded-For is read from
// its end, and only as long as the hop that added the entry is a trusted proxy.
func (a *API) clientIP(r *http.Request) netip.Addr {
	addr := peer(r)
	if !a.isProxy(addr) {
		return addr
	}
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

// parseHop parses an entry of X-Forwarded-For; some gateways add the port.
func parseHop(text string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr, true
	}
	ap, err := netip.ParseAddrPort(text)
	return ap.Addr(), err == nil
}

func (a *API) trustedPeer(r *http.Request) bool { return a.isProxy(peer(r)) }

// isProxy reports whether addr is a trusted proxy. The zero address stands for the
// peer of a unix socket.
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

// peer returns the peer address of the connection; the zero address for a unix
// socket.
func peer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}
