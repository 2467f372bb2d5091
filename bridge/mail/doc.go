// Package mail emails invitees their invitation, and reminders of it. It implements [bridge.Sender]
// for [bridge.EndpointCourier]. It imports bridge, tlsfault (texts for TLS
// errors), the standard library and an SMTP library, and no other package of
// the bridge.
//
// # Promises
//
//  1. One invitation token, one email, one RCPT: the invitee's address is
//     validated once more before the bridge connects to anything.
//  2. External input is harmless: it cannot add a header, a recipient, markup
//     or a template action, and it cannot reorder or hide text.
//  3. Without TLS nothing is sent, unless the connection URI contains
//     disable_starttls=true.
//  4. Secrets leave the process in the email only: no error and no
//     [bridge.SendResult] quotes the URI, the link, or what the server said.
//
// # Decisions
//
//  1. A 5xx reply is final only if it is about the email: to MAIL, RCPT, DATA
//     or the final dot. In the greeting, EHLO, STARTTLS and AUTH it is about
//     the bridge, and so are 530, 534, 535 and 538 at any stage: an operator
//     has to fix that, and the email must still be queued then. All of these
//     are retried. So are 504 and replies that mention HELO: many servers
//     reject the name in EHLO only at RCPT.
//  2. A connection that ends after the final dot and before the reply is
//     retried. The email may arrive twice, but its Message-ID is derived from
//     the message's ID, so that mail systems can recognize the duplicate.
//  3. The SMTP dialogue uses the library's low-level client, not DialAndSend:
//     the email is complete before the bridge connects, each stage is known,
//     a reply to QUIT cannot turn a success into a failure, and commands are
//     pipelined.
//  4. An inviter's name is shown unchanged: whatever a mail program could turn
//     into a link was removed when the invitation was created, see
//     [bridge.InviterName]. Traits are stored unchanged, for hooks, and pass
//     through the same function here.
//  5. The logo is embedded in the email: many mail programs do not show images
//     from data: URLs, and ask before they load remote ones.
//  6. Reply-To holds an address without a name, validated once more like the
//     recipient's.
//  7. A connection is kept for the emails that follow, for a few seconds. If it
//     fails before the final dot, or the server refuses MAIL on it, the email is
//     sent on a new one in the same attempt. After the final dot it never is.
//
// # Templates
//
// The layout is that of Kratos: a folder invitation with
// email.subject.gotmpl, email.body.gotmpl (HTML), email.body.plaintext.gotmpl
// and email.expiry.gotmpl (see [ExpiryData]), and in it one folder per
// language. The reminder has a folder reminder of the same form. Each file is looked up in the override's folder for the language,
// then in the override's folder for all languages, then among the built-in
// ones. An override for all languages therefore replaces the built-in file of
// every language; it can distinguish languages by .Language. Another language
// is another folder, here or in an override. What an override's folder reminder lacks
// is taken from its folder invitation, before the built-in ones: so a team's own
// emails look the same, and need not be written twice. Such a template can
// distinguish reminders by .Reminder. The HTML bodies share
// email.layout.gotmpl and only define its texts; an override may do the same,
// or bring a page of its own.
//
// Templates receive a [SubjectData] or a [BodyData]. They have Go's built-in
// functions and pick. They do not have sprig: it would add env and a dozen
// modules, and nothing that an invitation needs.
package mail
