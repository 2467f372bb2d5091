// Package kratos speaks to the admin API of Ory Kratos. Its [Client] is the
// bridge's identity system, and its [Breaches] asks, as Kratos does, how often a
// password was seen in data breaches.
//
// It is the only package that imports github.com/ory/client-go, and no
// generated type leaves it. Beyond that it imports the domain, and nothing else
// of ours. It works with Kratos v1.3.1, v26.2.0 and what lies between; where
// they differ, the code says so.
//
// # What it promises
//
//   - JSON that belongs to others is passed on as it came: no number loses a
//     digit, and no field of an identity is lost by a write.
//   - Of a call that failed it says no more than is known. A request that never
//     left the process had no effect; a refusal had none either; everything else
//     may have had one. See [bridge.Outcome].
//   - A write is one request, sent once. Only a read that got no answer is
//     repeated.
//   - A wrong address is never taken for a deleted identity.
//   - No password, no admin token and no part of a password's hash is in any
//     error.
//
// # The mark
//
// The bridge keeps a note in an identity's admin metadata, under the key
// "invitation", beside whatever else is there:
//
//	{"invitation": {"id": "<uuid>", "accepted_at": "<RFC 3339, UTC, microseconds>", "origin": "adopted"}}
//
// Create writes the id. The write that sets the password and activates the
// identity adds accepted_at, so that anyone who finds the identity active can
// tell whether this invitation did it. The origin is missing where the bridge
// created the identity, as in all marks of earlier releases.
package kratos
