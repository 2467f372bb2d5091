package httpapi

import (
	"net/netip"
	"time"

	"invitebridge/bridge"
)

// Codes gives the table of codes.
func Codes() map[bridge.Kind]int {
	codes := make(map[bridge.Kind]int)
	for kind, status := range statuses {
		codes[kind] = status.code
	}
	return codes
}

// Flood has the limiter count a request from each of n addresses.
func Flood(a *API, n int) {
	for i := range n {
		a.limits.take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), time.Now())
	}
}
