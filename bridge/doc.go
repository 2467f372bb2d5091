// Package bridge is the domain of the Invite Bridge: invitations, their tokens
// and their lifecycle. It knows no HTTP, no database and no Kratos; it imports
// the standard library and google/uuid, and a test keeps it so.
//
// # Vocabulary
//
// An inviter creates an [Invitation]; an invitee accepts it. The inviter's
// handle is the invitation's ID, which is harmless to log. The invitee's handle
// is the invitation [Token], which is a secret. What an invitation activates is
// an [Identity] in an identity system, reached through [Identities].
//
// # What always holds
//
//  1. Nothing stored can be used to accept: a [Store] sees digests of tokens.
//  2. Looking at an invitation changes nothing.
//  3. One token, one winner: a claim in the store decides who may accept.
//  4. An answer is a promise: what was answered is committed.
//  5. Only what the bridge made and nobody activated is ever deleted.
//  6. An active identity is never touched.
//  7. No secret reaches a log: a [Token] prints as a placeholder, and an
//     [Error] keeps its cause apart from the text that people see.
//
// # Decisions
//
//  1. Rules live here and nowhere else: stores only store, handlers only
//     translate. Transitions are pure functions of an Invitation.
//  2. Time is injected, in UTC, and truncated to microseconds, the coarsest
//     resolution of the stores.
//  3. An invitation is dead at ExpiresAt, whether or not the sweep has run.
//  4. A claim suspends expiry and revocation: whoever began to accept in time
//     may finish, and a revocation never crosses an acceptance on its way.
//  5. An e-mail address is kept in one spelling only: lower case, its domain in
//     ASCII. That is how Kratos compares identifiers, and where it sends mail.
package bridge
