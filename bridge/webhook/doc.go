// Package webhook notifies a team's systems of what happens to invitations, and
// calls them before it happens. It speaks Standard Webhooks and is configured in
// the terms of Kratos' web_hook. Of the bridge's packages it imports only the
// domain and tlsfault.
//
// # Promises to receivers
//
//   - webhook-id is the same in all attempts of one message; only
//     webhook-timestamp and the signatures differ. A receiver may get a message
//     twice and must deduplicate by the id.
//   - There is one signature per configured secret, so that a secret can be
//     replaced without a gap. Without a secret nothing is signed.
//   - The body is the JSON of [bridge.Payload], or the result of a Jsonnet
//     function of it.
//
// # Trust
//
// Receivers are not trusted. Redirects are never followed, responses are not
// decompressed and not read beyond 64 KiB, and an attempt ends within the hook's
// timeout, whatever the receiver does. The only part of a response body that is
// kept is the messages of a refusal. Errors and details consist of fixed texts,
// numbers and hook ids; they contain no addresses and no data that was sent or
// received.
//
// The configuration is trusted, body templates included. Templates are rendered
// with samples of their events before they are used. A template cannot read
// files, the environment or the network; its run time, stack and output are
// bounded. The memory it uses while it runs is not: an author of the
// configuration can exhaust it.
//
// # Addresses
//
// With [Config].DisallowPrivateIPRanges each address is checked when it is
// dialed, after its name was resolved, so a name cannot resolve differently in
// between. HTTP_PROXY, HTTPS_PROXY and NO_PROXY are honored as in Kratos, except
// for hooks whose addresses are checked: behind a proxy the bridge does not see
// the address.
package webhook
