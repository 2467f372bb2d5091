// Package bridge is the domain of the Invite Bridge: invitations, their tokens,
// and the messages about them. It contains no HTTP, no database and no Kratos
// client. A test keeps its imports to the standard library and google/uuid.
//
// # Glossary
//
//   - Invitation: an offer to one email address to become an active identity, see
//     [Invitation]. Its id is safe to log.
//   - Inviter: the API client that creates invitations, usually on behalf of a
//     user.
//   - Creator: the API key, or the identity with a session, by which an invitation was
//     created, see [Creator].
//   - Invitee: the person who owns the mailbox. They hold a token, and accept by
//     setting a password or by choosing another way to sign in, see
//     [AcceptMethod].
//   - Identity: the account in the identity system (Kratos) that an invitation
//     activates, see [Identity]. It is reached through [Identities].
//   - Token: the secret in an invitation link, see [Token]. An invitation may have
//     several; stores see digests only.
//   - Epoch: the number of revivals of an invitation. When an expired invitation
//     is revived, tokens of earlier epochs stay invalid.
//   - Claim: the exclusive right of one request to accept an invitation, until its
//     lease ends, see [Claim]. Messages have claims of the same kind, see
//     [MessageClaim].
//   - Unresolved: a claim whose request has ended without a known outcome, because
//     Kratos did not respond. It is reconciled by reading the identity.
//   - Origin: where the identity comes from: created, adopted or reactivated, see
//     [Origin].
//   - Mark: the bridge's entry in the admin metadata of an identity, see [Mark]. It
//     proves who created the identity and which invitation activated it.
//   - Baseline: the state of the identity when it was invited, see [Baseline]. If
//     the identity still matches it, nobody has used the identity.
//   - Verdict: the result of judge: whether an identity is not in use, and so may
//     be written to, handed over or deleted.
//   - Leftover, or unaccepted identity: the identity of an invitation that ended
//     without an acceptance, see [Leftover] and [Unaccepted].
//   - Event: something that happened to an invitation, or is about to, see [Event].
//   - Hook: a webhook of the operator. A blocking hook is called before an operation
//     and may refuse it, see [Hooks]. Other hooks receive messages.
//   - Import: a list of rows that workers turn into invitations, see [Import]. A group
//     is the rows that one worker begins together. A wave is the rows that may be begun
//     within a period.
//   - Idempotent request: what is stored of a request that a client may repeat to get
//     the first response, see [IdempotentRequest].
//   - Endpoint: the destination of messages: a hook, or the courier that sends email
//     to the invitee, see [Endpoint].
//   - Message: one event for one endpoint, stored in the outbox until it is
//     delivered, see [Message].
//   - Attempt: one try to deliver a message, see [Attempt].
//
// # Guarantees
//
//  1. Nothing stored can be used to accept: a [Store] sees digests of tokens.
//  2. Previewing an invitation changes nothing.
//  3. Of several concurrent acceptances exactly one succeeds: a claim in the store
//     decides which.
//  4. A response is a promise: what it reports is committed.
//  5. The bridge deletes only identities that it created and that were never used.
//  6. An account stays with its holder. An active identity is never written to; an
//     inactive one only if judge finds that it is not in use: unchanged since its
//     invitation, or never used. See judge.go, and write.go for the order in which
//     a write is judged, begun and sent.
//  7. No secret reaches a log: a [Token] prints as a placeholder, and an [Error]
//     keeps its cause separate from the text shown to callers.
//
// # Decisions
//
//  1. Rules live here and nowhere else: stores only store, handlers only translate.
//     Transitions are pure functions of an Invitation or a Message.
//  2. Time is injected, in UTC, and truncated to microseconds, the coarsest
//     resolution of the stores.
//  3. An invitation has expired at ExpiresAt, whether or not the sweep has run.
//     Nothing begins after it; an acceptance that began in time may finish.
//  4. A process owns only the claims in its own table. No claim is retried blindly:
//     its outcome is read first. A revocation during a claim is recorded, and
//     prevents every write that has not begun.
//  5. An email address is stored in one spelling only: lower case, its domain in
//     ASCII. That is how Kratos compares identifiers, and where it sends email.
//
// # Reading order
//
// Nouns:
//
//   - invitation.go: an invitation, its states and transitions
//   - creator.go: who created an invitation
//   - claim.go: the claim of an acceptance, its transitions, and the claims of this
//     process
//   - token.go: tokens, digests, and how a token left the bridge
//   - message.go: a message of the outbox and its transitions
//   - schedule.go: when a failed attempt is retried
//   - event.go: events, and the payload that receivers get
//   - endpoint.go: endpoints, and enabling a disabled one
//   - errors.go: every error that callers can get
//   - email.go, phone.go: canonical email addresses and phone numbers
//   - password.go: Kratos' password policy
//   - names.go, sanitize.go: texts that are safe to show
//   - import.go: an import, and its groups of rows
//   - import_progress.go: its transitions
//   - import_row.go: a row, and what became of it
//   - import_view.go: what clients see of an import
//   - messagetraits.go: traits and local times in messages
//   - returnto.go: where an invitee may be redirected
//   - quiet.go: the hours in which the bridge sends no reminders and begins no rows
//   - rawjson.go: JSON that is edited byte for byte
//   - instant.go: a moment on the clock of the rules and those of the machine
//   - id.go: ids in the order of creation
//
// Ports:
//
//   - store.go: the database
//   - import_store.go: the same for imports
//   - record.go: all rows of an invitation, to copy a store
//   - identity.go: the identity system
//   - identity_errors.go: what is known after a failed call of it
//   - sender.go: delivery of a message
//   - hooks.go: blocking hooks
//
// The verbs, in the order of a life:
//
//   - service.go: configuration, and what all verbs share
//   - invite_request.go: validation of an invite
//   - invite.go: Invite
//   - find.go: the existing identity of an address
//   - adopt.go: creating an identity, or adopting an existing one
//   - issue.go: a new token and the messages that carry it
//   - preview.go: Preview, and the lookup of tokens
//   - method.go: how an invitee accepts, and with which parameters
//   - accept.go: Accept and AcceptWith
//   - handover.go: the writes of an acceptance
//   - recovery.go: the recovery flow after an acceptance without a password
//   - session.go: a session after an acceptance
//   - reconcile.go: claims whose outcome is unknown
//   - resend.go: Resend, by the inviter
//   - renew.go: Renew, by the invitee
//   - again.go: Again, by anyone who knows the address
//   - revoke.go: Revoke
//   - list.go: Get, List and Backlog
//   - sweep.go: ExpireDue and Sweep
//   - remind.go: Remind, and when reminders are planned
//   - leftover.go: identities of unaccepted invitations
//   - forget.go: Forget, which removes a person
//   - forget_rows.go: the rows of imports about that person
//   - forget_scrub.go: overwriting what was deleted
//
// Imports:
//
//   - import_load.go: Import, the upload of rows
//   - import_check.go: the settings of an import, and its rows
//   - import_admin.go: reading, pausing, resuming and canceling imports
//   - import_work.go: RunImports, and the claims of groups
//   - import_takeover.go: what the process before this one has left
//   - import_size.go: the sizes of groups, and their turns beside invites
//   - import_group.go: from the rows of a group to invitations
//   - import_finish.go: the results of a group, and the end of its claim
//   - import_log.go: what the log says about an import
//   - import_judge.go: rows that need no new invitation, and dry runs
//   - import_alone.go: rows that are invited one by one
//   - interactive.go: invites that a caller waits for go first
//   - idempotency.go: repeated requests
//
// Whose account it is:
//
//   - judge.go: the only place that decides it
//   - write.go: no write without a verdict
//   - invited.go: whether the identity of an invitation is still not in use
//   - signin.go: whether the invitee could sign in at all
//   - reactivate.go: removing the credentials of a former holder
//   - zone.go: Kratos that returns local times as UTC
//   - lock.go: one caller at a time for an address or identity
//   - lease.go: the same among processes that share a store
//
// The outbox:
//
//   - enqueue.go: messages in the transaction of a change
//   - deliver.go: claiming messages, finishing attempts
//   - messages.go: listing and retrying messages
//   - counters.go: what each commit adds to the metrics
package bridge
