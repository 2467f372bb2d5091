// Package webhook tells the systems of a team what happens to invitations, and
// asks them before it happens. It speaks Standard Webhooks, and is configured
// in the words that Kratos has for a web_hook. It imports no other package of
// the bridge's but the domain.
//
// # Promises to receivers
//
//   - webhook-id stays the same over all attempts of one message; only
//     webhook-timestamp and the signatures are new. A receiver may see a
//     message twice, and must go by the id.
//   - There is one signature for each configured secret, so that a secret can
//     be replaced without a gap. Without a secret nothing is signed.
//   - The body is the JSON of [bridge.Payload], or what a Jsonnet function
//     makes of it.
//
// # Trust
//
// Receivers are not trusted. Redirects are never followed, answers are neither
// decompressed nor read beyond 64 KiB, and an attempt ends within the hook's
// timeout, whatever the receiver does. Of an answer's body nothing is kept but
// the messages of a refusal. Errors and details are made of fixed texts,
// numbers and hook ids: neither addresses nor anything that was sent or
// received gets into them.
//
// The configuration is trusted, body templates included; they are tried with
// samples of their events before they are used. A template can read
// no file, no environment and no network; its run time, its stack and what it
// may send are bounded. The memory it uses on the way is not: that is as safe
// as the people who write the configuration.
//
// # Addresses
//
// With [Config].DisallowPrivateIPRanges each address is judged when it is
// dialled, after its name was resolved, so a name cannot change its mind in
// between. HTTP_PROXY, HTTPS_PROXY and NO_PROXY are honoured as in Kratos, but
// not where addresses are judged: behind a proxy there is nothing to judge.
package webhook
