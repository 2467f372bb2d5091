// Package kratos is a client of the APIs of Ory Kratos. Its [Client] is the
// bridge's identity system, and its [PwnedPasswords] counts, as Kratos does,
// how often a password was seen in data breaches.
//
// It is the only package that imports github.com/ory/client-go, and no
// generated type leaves it. Of this module it imports only the domain and
// bridge/tlsfault. It supports Kratos v1.3.1 to v26.2.0; the code notes where
// versions differ.
//
// # Guarantees
//
//   - JSON that belongs to others is passed on unchanged: no number loses a
//     digit, and no write drops a field of an identity.
//   - Errors claim no more than is known. A request that never left the process
//     had no effect, and neither had one that Kratos rejected; any other failed
//     request may have had one. See [bridge.CallOutcome].
//   - A write is one request, sent once. Only a read without a response is
//     repeated. CreateAll sends an identity again if Kratos refused or undid the
//     batch that contained it.
//   - A wrong address is never mistaken for a deleted identity.
//   - No error contains a password, an admin token or any part of a password's
//     hash.
//
// # The mark
//
// The bridge keeps a note in an identity's admin metadata, under the key
// "invitation", next to whatever else is there:
//
//	{"invitation": {"id": "<uuid>", "accepted_at": "<RFC 3339, UTC, microseconds>", "origin": "adopted"}}
//
// Create writes the id. The write that sets the password and activates the
// identity adds accepted_at, so that anyone who finds the identity active can
// tell whether this invitation activated it. The origin is omitted if the
// bridge created the identity, as in all marks of earlier releases.
package kratos
