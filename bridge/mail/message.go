package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"net/url"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"invitebridge/bridge"
)

var (
	errEvent     = errors.New("only invitation_token_created and invitation_reminder are sent as an email")
	errRecipient = errors.New("the invitation's address is not one plain address in canonical form")
	errLink      = errors.New("the invitation's link is not an absolute http or https URL")
)

// compose returns the complete email, which stays in w until w is used again. It
// has the same set of headers for every payload, Reply-To excepted, and the same
// Message-ID in each attempt.
func (m *Mailer) compose(w *workspace, d bridge.Dispatch) ([]byte, error) {
	if !d.Payload.Type.CarriesLink() {
		return nil, errEvent
	}
	invitation, link := d.Payload.Data.Invitation, d.Payload.Data.Link
	if !isCanonical(invitation.Email) {
		return nil, errRecipient
	}
	if u, err := url.Parse(link); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return nil, errLink
	}
	template := m.templates.choose(invitation.Locale)
	if d.Payload.Type == bridge.EventReminder {
		template = template.reminder
	}
	out, err := template.render(w, values{
		email:       invitation.Email,
		inviterName: bridge.PersonName(invitation.InviterName),
		traits:      shownTraits(invitation.Traits),
		nameTrait:   m.nameTrait,
		branding:    m.branding,
		fromName:    m.from.Name,
		link:        link,
		timeZone:    invitation.TimeZone,
		locale:      bridge.Truncate(bridge.OneLine(invitation.Locale), maxLocale),
		expiresAt:   invitation.ExpiresAt,
		now:         d.At,
	})
	if err != nil {
		return nil, err
	}

	_, domain, _ := strings.Cut(m.from.Address, "@")
	msg := gomail.NewMsg(
		gomail.WithCharset(gomail.CharsetUTF8),
		gomail.WithEncoding(gomail.EncodingQP),
		gomail.WithNoDefaultUserAgent(),
	)
	if m.branding.Logo == nil {
		msg.SetBoundary(out.boundary()) // with a logo there are two, which the library chooses at random
	}
	msg.FromMailAddress(&m.from)
	msg.ToMailAddress(&mail.Address{Address: invitation.Email})
	if m.replyToInviter && isCanonical(invitation.InviterEmail) {
		msg.ReplyToMailAddress(&mail.Address{Address: invitation.InviterEmail})
	}
	msg.Subject(subjectHeader(out.subject))
	msg.SetDateWithValue(d.At.UTC())
	msg.SetMessageIDWithValue(fmt.Sprintf("%s@%s", d.MessageID, domain))
	msg.SetGenHeader("Content-Language", out.language)
	// RFC 3834, 5: asks automatic responders not to reply.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	// Exchange knows only its own header ([MS-OXCMAIL], 2.1.3.2). Not "All":
	// that would suppress non-delivery reports too.
	msg.SetGenHeader("X-Auto-Response-Suppress", "OOF, AutoReply")
	msg.SetBodyWriter(gomail.TypeTextPlain, writer(out.text))
	msg.AddAlternativeWriter(gomail.TypeTextHTML, writer(out.html))

	if m.branding.Logo != nil {
		err := msg.EmbedReader(m.branding.logoName(), bytes.NewReader(m.branding.Logo),
			gomail.WithFileContentID("<"+logoID+">"), gomail.WithFileContentType(gomail.ContentType(m.branding.logoType())))
		if err != nil {
			return nil, errors.New("the logo could not be embedded in the email")
		}
	}

	w.email.Reset()
	if _, err := msg.WriteTo(&w.email); err != nil {
		return nil, errors.New("the email could not be composed")
	}
	return w.email.Bytes(), nil
}

// writer returns a function that writes content.
func writer(content []byte) func(io.Writer) (int64, error) {
	return func(w io.Writer) (int64, error) {
		n, err := w.Write(content)
		return int64(n), err
	}
}

// isCanonical reports whether text is one plain address and nothing else, so
// that it is safe in a header.
func isCanonical(text string) bool {
	email, err := bridge.ParseEmail(text, func(domain string) (string, error) { return domain, nil })
	return err == nil && email == text
}

// shownTraits returns the traits without those that a mail program could turn
// into a link: inviters choose traits as freely as their names.
func shownTraits(traits map[string]string) map[string]string {
	shown := make(map[string]string, len(traits))
	for path, text := range traits {
		if name := bridge.PersonName(bridge.InviterName(text, nil)); name != "" {
			shown[path] = name
		}
	}
	return shown
}

// boundary returns a MIME boundary that is the same in each run for the same
// email. An inviter cannot predict it, because it depends on the token.
func (r renderedEmail) boundary() string {
	sum := sha256.New()
	sum.Write(r.text)
	sum.Write(r.html)
	return hex.EncodeToString(sum.Sum(nil)[:16])
}
