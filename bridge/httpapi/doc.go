// Package httpapi is the way into the bridge by HTTP: two listeners, one for
// invitees and one for inviters, their routes, and the translation of errors.
// No rule about invitations lives here.
//
// # Trust
//
//   - The admin handler answers nobody without an API key, save health and
//     version. Keys are compared by their digests, in constant time.
//   - The address of a client is that of the TCP peer, unless the peer is a
//     declared proxy, as whoever connects by a unix socket can be; then it is
//     the last address in X-Forwarded-For that is not one. No other forwarding header is read, ever.
//   - Host and X-Forwarded-* never shape a link.
//   - Rate limits are keyed by that client address, IPv6 by its /64 network.
//   - Request ids and trace contexts are taken over from declared proxies and
//     holders of a key; others get new ones.
//   - Logs name the pattern of a route, never a path or a query: the paths of
//     the public listener carry tokens.
package httpapi
