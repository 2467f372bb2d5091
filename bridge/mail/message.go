package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"invitebridge/bridge"
)

var (
	errEvent     = errors.New("only invitation_token_created is mailed")
	errRecipient = errors.New("the invitation's address is not one plain address in canonical form")
	errLink      = errors.New("the invitation has no link that a browser could open")
)

// compose gives the complete letter. It has the same headers whatever the
// payload holds, and the same Message-ID in each attempt.
func (m *Mailer) compose(d bridge.Dispatch) ([]byte, error) {
	if d.Payload.Type != bridge.EventTokenCreated {
		return nil, errEvent
	}
	invitation, link := d.Payload.Data.Invitation, d.Payload.Data.Link
	if !isCanonical(invitation.Email) {
		return nil, errRecipient
	}
	if u, err := url.Parse(link); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return nil, errLink
	}
	out, err := m.letters.choose(invitation.Locale).render(facts{
		email:       invitation.Email,
		inviterName: bridge.PersonName(invitation.InviterName),
		traits:      shownTraits(invitation.Traits),
		nameTrait:   m.nameTrait,
		look:        m.look,
		fromName:    m.from.Name,
		link:        link,
		timeZone:    invitation.TimeZone,
		locale:      bridge.Shorten(bridge.OneLine(invitation.Locale), maxLocale),
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
	if m.look.Logo == nil {
		msg.SetBoundary(out.boundary()) // else there are two, which the library draws at random
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
	// RFC 3834, 5: whoever answers letters by machine shall not answer this one.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	// Exchange knows only its own header ([MS-OXCMAIL], 2.1.3.2). Not "All":
	// that would suppress non-delivery reports too.
	msg.SetGenHeader("X-Auto-Response-Suppress", "OOF, AutoReply")
	msg.SetBodyString(gomail.TypeTextPlain, out.text)
	msg.AddAlternativeString(gomail.TypeTextHTML, out.html)

	if m.look.Logo != nil {
		err := msg.EmbedReader(m.look.logoName(), bytes.NewReader(m.look.Logo),
			gomail.WithFileContentID("<"+logoID+">"), gomail.WithFileContentType(gomail.ContentType(m.look.logoType())))
		if err != nil {
			return nil, errors.New("the logo could not be put into the letter")
		}
	}

	var letter bytes.Buffer
	if _, err := msg.WriteTo(&letter); err != nil {
		return nil, errors.New("the letter could not be put together")
	}
	return letter.Bytes(), nil
}

// isCanonical says whether text is one plain address and nothing else, so that it
// can stand in a header.
func isCanonical(text string) bool {
	email, err := bridge.ParseEmail(text, func(domain string) (string, error) { return domain, nil })
	return err == nil && email == text
}

// shownTraits leaves out what a mail program could turn into a link: inviters
// choose traits as freely as their names.
func shownTraits(traits map[string]string) map[string]string {
	shown := make(map[string]string, len(traits))
	for path, text := range traits {
		if name := bridge.PersonName(bridge.InviterName(text, nil)); name != "" {
			shown[path] = name
		}
	}
	return shown
}

// boundary is the same in each run, for the same letter, and known to nobody who
// has a say in what the letter holds: that includes a token.
func (r rendered) boundary() string {
	sum := sha256.Sum256([]byte(r.text + r.html))
	return hex.EncodeToString(sum[:16])
}
