// Package httpapi serves the bridge over HTTP: the public handler for invitees,
// the admin handler for inviters, and the mapping from errors to responses. It
// also holds the client of the admin API. It contains no rules about
// invitations.
//
// # Trust
//
//   - The admin handler requires an API key on every route except health and
//     version. Keys are compared by their digests, in constant time.
//   - The client address is the TCP peer's. If the peer is a trusted proxy
//     (peers of a unix socket may be declared as such), it is the last address
//     in X-Forwarded-For that is not a trusted proxy. No other forwarding
//     header is read.
//   - Host and X-Forwarded-* never influence a link.
//   - Rate limits are keyed by the client address; IPv6 by its /64 network.
//   - Request ids and trace contexts are accepted from trusted proxies and from
//     holders of an API key; all other requests get new ones.
//   - Logs contain the route pattern, never a path or a query: paths of the
//     public listener carry tokens.
package httpapi
