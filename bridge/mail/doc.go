// Package mail tells invitees of their invitation by e-mail. It implements
// [bridge.Sender] for [bridge.EndpointCourier], and imports bridge, the words of
// tlsfault, the standard library and an SMTP library; never another package of ours.
//
// # What it promises
//
//  1. One invitation token, one letter, one RCPT: the invitee's address is
//     checked once more before anything is connected to.
//  2. Whatever comes from outside is inert: it cannot add a header, a recipient,
//     mark-up or a template action, and it cannot reorder or hide text.
//  3. Without TLS nothing is sent, unless the operator wrote
//     disable_starttls=true into the connection URI.
//  4. No secret leaves by another road than the letter: no error and no
//     [bridge.Result] quotes the URI, the link, or what the server said.
//
// # Decisions
//
//  1. A 5xx reply is final only where it is about the letter: to MAIL, RCPT,
//     DATA or the final dot. In greeting, EHLO, STARTTLS and AUTH it is about
//     us, and so are 530, 534, 535 and 538 anywhere: an operator mends that,
//     and the letter must still be there then. All of these are retried. So is
//     504, and what mentions HELO: many servers refuse the name in EHLO no earlier
//     than at RCPT.
//  2. A connection that ends after the final dot and before the reply is
//     retried. The letter may arrive twice, but the Message-ID is made from the
//     message's ID, so that a mail system can tell.
//  3. The dialogue is held on the library's low-level client, not by its
//     DialAndSend: the letter is complete before anything is connected to, each
//     stage is known, and a reply to QUIT cannot turn a success into a failure.
//  4. An inviter's name is shown as it is: what a mail program could turn into a
//     link was dropped when the invitation was made, see [bridge.InviterName].
//     Traits are stored as they are, for hooks, and go through the same here.
//  5. The logo travels within the email: many mail programs show no image of a
//     data: URL, and ask before they load one from elsewhere.
//  6. Reply-To holds an address alone, checked once more like the recipient's.
//
// # Templates
//
// They lie as Kratos lays them out: a folder invitation with email.subject.gotmpl,
// email.body.gotmpl (HTML), email.body.plaintext.gotmpl and email.expiry.gotmpl
// (see [Moment]), in it a folder for each language. Each file is looked for in
// the override's folder of the language, in the override's folder for all, and
// among the built-in ones. A file for all languages so replaces every built-in
// one; it can tell them apart by .Language. A third language is a folder, here or
// in an override. The HTML bodies share email.layout.gotmpl, and only define its
// texts; an override may do that too, or write a page of its own.
//
// Templates see a [Heading] or a [Letter], and have the functions that Go builds
// in and pick; not sprig, which would bring env, a dozen modules and no use.
package mail
