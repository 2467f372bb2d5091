// Package bridge is the domain of the Invite Bridge: invitations, their tokens
// and their lifecycle. It knows no HTTP, no database and no Kratos; it imports
// the standard library and google/uuid, and a test keeps it so.
//
// # Vocabulary
//
// An inviter creates an [Invitation]; an invitee accepts it. The inviter's
// handle is the invitation's ID, which is harmless to log. The invitee's handle
// is the invitation [Token], which is a secret. What an invitation activates is
// an [Identity] in an identity system, reached through [Identities]. How the
// identity stood when it was invited is the [Baseline] of the invitation. While
// one caller accepts, the invitation carries a [Claim]; a claim whose outcome is
// unknown is unsettled.
//
// # What always holds
//
//  1. Nothing stored can be used to accept: a [Store] sees digests of tokens.
//  2. Looking at an invitation changes nothing.
//  3. One token, one winner: a claim in the store decides who may accept.
//  4. An answer is a promise: what was answered is committed.
//  5. Only what the bridge created and nobody ever used is ever deleted.
//  6. An account stays with whoever had it. An active identity is never written
//     to; an inactive one only if judge finds that it is nobody's: unchanged since
//     its invitation, or never used. See judge.go, and write.go for the order in
//     which a write is judged, begun and sent.
//  7. No secret reaches a log: a [Token] prints as a placeholder, and an
//     [Error] keeps its cause apart from the text that people see.
//
// # Decisions
//
//  1. Rules live here and nowhere else: stores only store, handlers only
//     translate. Transitions are pure functions of an Invitation.
//  2. Time is injected, in UTC, and truncated to microseconds, the coarsest
//     resolution of the stores.
//  3. An invitation has expired at ExpiresAt, whether or not the sweep has run.
//     Nothing begins after it; an acceptance that began in time may finish.
//  4. A claim is only this process' own while it is in its table, and never
//     repeated blindly: what became of it is read first. A revocation during a
//     claim is recorded, and wins over everything that was not yet written.
//  5. An e-mail address is kept in one spelling only: lower case, its domain in
//     ASCII. That is how Kratos compares identifiers, and where it sends mail.
package bridge
