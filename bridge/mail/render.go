package mail

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	htmltemplate "html/template"
	"strings"
	"sync"
	texttemplate "text/template"
	"time"
)

// SubjectData is the data of the subject template. It has no link: subjects end
// up in logs and previews.
type SubjectData struct {
	Email       string // the invitee's
	InviterName string // may be empty
	FromName    string // as configured, may be empty
	Title       string // of the team or its product, may be empty
	// InviteeName is the first trait that the configuration names; may be empty.
	InviteeName string
	// Traits maps the paths of the configured traits to the invitee's values:
	// {{index .Traits "department"}}. Traits without a value are absent.
	Traits    map[string]string
	ExpiresAt time.Time // UTC
	ExpiresIn string    // "in 2 days", in the email's language
	ExpiresOn string    // "on Tuesday, 5 March 2030, 14:00 UTC", in the email's language and the invitee's time zone
	Locale    string    // of the invitation, may be empty
	Language  string    // of the email, such as de
	Reminder  bool      // the invitee was invited before
}

// BodyData is the data of the body templates.
type BodyData struct {
	// As in SubjectData. It is not embedded, because template engines search for
	// each field of an embedded struct anew.
	Email, InviterName, FromName, Title, InviteeName string
	Traits                                           map[string]string
	ExpiresAt                                        time.Time
	ExpiresIn, ExpiresOn, Locale, Language           string
	Reminder                                         bool

	Subject string
	Link    string // a secret
	Look    Branding
	LogoURL htmltemplate.URL // of the image within the email; may be empty
}

// body returns the data of the body templates that the subject has too.
func (d SubjectData) body() BodyData {
	return BodyData{
		Email: d.Email, InviterName: d.InviterName, FromName: d.FromName,
		Title: d.Title, InviteeName: d.InviteeName, Traits: d.Traits,
		ExpiresAt: d.ExpiresAt, ExpiresIn: d.ExpiresIn, ExpiresOn: d.ExpiresOn,
		Locale: d.Locale, Language: d.Language, Reminder: d.Reminder,
	}
}

// values is the input of an email, already sanitized.
type values struct {
	email, inviterName, fromName, link, locale string
	timeZone, nameTrait                        string
	traits                                     map[string]string
	branding                                   Branding
	expiresAt, now                             time.Time
}

// emailTemplate holds the templates of one email in one language.
type emailTemplate struct {
	language string
	expiry   *texttemplate.Template
	subject  *texttemplate.Template
	text     *texttemplate.Template
	html     *htmltemplate.Template
	reminds  bool           // it is a reminder
	reminder *emailTemplate // of an invitation: the reminder in the same language
}

// renderedEmail is an email to one invitee, before it is encoded.
type renderedEmail struct {
	language, subject string
	text, html        []byte
}

// workspace holds the buffers of one email at a time. They are kept for other
// emails: growing new ones is a quarter of the work.
type workspace struct{ text, html, email bytes.Buffer }

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

// render renders the parts into w, where they stay until w is used again.
func (l *emailTemplate) render(w *workspace, f values) (renderedEmail, error) {
	moment := expiryData(f.expiresAt, f.now, f.timeZone)
	in, err := formatExpiry(l.expiry, "in", moment)
	if err != nil {
		return renderedEmail{}, err
	}
	on, err := formatExpiry(l.expiry, "on", moment)
	if err != nil {
		return renderedEmail{}, err
	}
	data := SubjectData{
		Email: f.email, InviterName: f.inviterName, FromName: f.fromName,
		Title: f.branding.Title, InviteeName: f.traits[f.nameTrait], Traits: f.traits,
		ExpiresAt: f.expiresAt.UTC(), ExpiresIn: in, ExpiresOn: on,
		Locale: f.locale, Language: l.language, Reminder: l.reminds,
	}
	var subject bytes.Buffer
	if err := l.subject.Execute(&subject, data); err != nil {
		return renderedEmail{}, err
	}
	body := data.body()
	body.Subject, body.Link, body.Look = subjectLine(subject.String()), f.link, f.branding
	if body.Subject == "" {
		return renderedEmail{}, fmt.Errorf("%s renders an empty subject", l.subject.Name())
	}
	if f.branding.Logo != nil {
		body.LogoURL = "cid:" + logoID
	}
	w.text.Reset()
	w.html.Reset()
	if err := errors.Join(l.text.Execute(&w.text, body), l.html.Execute(&w.html, body)); err != nil {
		return renderedEmail{}, err
	}
	return renderedEmail{language: l.language, subject: body.Subject, text: trim(&w.text), html: trim(&w.html)}, nil
}

// trim returns a part with one line end after it, and no blanks around it.
func trim(part *bytes.Buffer) []byte { return append(bytes.TrimSpace(part.Bytes()), '\n') }

// samples returns two inputs: in the first every optional value is set, in the
// second it is empty.
func samples() []values {
	full := values{
		email: "invitee@example.com", inviterName: "Inviter", fromName: "Sender", locale: "en-GB",
		link:      "https://example.com/invitation?token=c2FtcGxl",
		expiresAt: time.Date(2030, 3, 5, 14, 0, 0, 0, time.UTC),
		now:       time.Date(2030, 3, 3, 14, 0, 0, 0, time.UTC),
	}
	full.branding, _ = Branding{Title: "Team"}.complete() // cannot fail
	full.traits, full.nameTrait = map[string]string{"name": "Invitee"}, "name"
	bare := full
	bare.inviterName, bare.fromName, bare.locale, bare.branding.Title, bare.traits = "", "", "", "", nil
	full.branding.Logo = []byte{}
	return []values{full, bare}
}

// try renders the samples, so that errors in a template are found at start, and
// not when an invitee waits for the email.
func (l *emailTemplate) try() []error {
	var problems []error
	for _, sample := range samples() {
		out, err := l.render(new(workspace), sample)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if !strings.Contains(string(out.text), sample.link) {
			problems = append(problems, fmt.Errorf("%s does not show {{.Link}}", l.text.Name()))
		}
		if !strings.Contains(html.UnescapeString(string(out.html)), sample.link) {
			problems = append(problems, fmt.Errorf("%s does not show {{.Link}}", l.html.Name()))
		}
	}
	if problem := l.tryZone(); problem != nil {
		return append(problems, problem)
	}
	for i := range 12 { // every weekday, month and unit needs a word
		moment := ExpiryData{
			Count: 1 + i, Unit: []string{"minute", "hour", "day"}[i%3],
			Weekday: time.Weekday(i % 7), Day: 1 + i, Month: time.Month(1 + i), Year: 2030, Clock: "14:00", Zone: "UTC",
		}
		for _, definition := range []string{"in", "on"} {
			words, err := formatExpiry(l.expiry, definition, moment)
			if err == nil && words == "" {
				err = fmt.Errorf("%s: %q renders an empty text", l.expiry.Name(), definition)
			}
			if err != nil {
				return append(problems, err)
			}
		}
	}
	return problems
}

// tryZone rejects a template that shows a time without its zone: the zone is not
// always UTC.
func (l *emailTemplate) tryZone() error {
	on := func(clock, zone string) string {
		words, _ := formatExpiry(l.expiry, "on", ExpiryData{Count: 1, Unit: "day", Day: 1, Month: 1, Year: 2030, Clock: clock, Zone: zone})
		return words // the caller's own samples report errors
	}
	if on("14:00", "UTC") != on("15:00", "UTC") && on("14:00", "UTC") == on("14:00", "UTC+1") {
		return fmt.Errorf("%s shows {{.Clock}} without {{.Zone}}", l.expiry.Name())
	}
	return nil
}
