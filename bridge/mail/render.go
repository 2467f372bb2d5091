package mail

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"time"
)

// Heading is what the subject template sees. It has no link: a subject travels
// through logs and previews.
type Heading struct {
	Email       string // the invitee's
	InviterName string // may be empty
	FromName    string // as configured, may be empty
	Title       string // of the team or its product, may be empty
	// InviteeName is the trait that the configuration names first, may be empty.
	InviteeName string
	// Traits are those that the configuration names, by their path, where the
	// invitee has them: {{index .Traits "department"}}.
	Traits    map[string]string
	ExpiresAt time.Time // UTC
	ExpiresIn string    // "in 2 days", in the letter's language
	ExpiresOn string    // "on Tuesday, 5 March 2030, 14:00 UTC", likewise, in the invitee's time zone
	Locale    string    // as the invitation has it, may be empty
	Language  string    // of the letter, such as de
}

// Letter is what the body templates see.
type Letter struct {
	Heading
	Subject string
	Link    string // a secret
	Look    Look
	LogoURL htmltemplate.URL // of the image within the email; may be empty
}

// facts are the values a letter is made from, already inert.
type facts struct {
	email, inviterName, fromName, link, locale string
	timeZone, nameTrait                        string
	traits                                     map[string]string
	look                                       Look
	expiresAt, now                             time.Time
}

// letter is the letter of one language.
type letter struct {
	language string
	expiry   *texttemplate.Template
	subject  *texttemplate.Template
	text     *texttemplate.Template
	html     *htmltemplate.Template
}

// rendered is a letter to somebody.
type rendered struct {
	language, subject, text, html string
}

func (l *letter) render(f facts) (rendered, error) {
	moment := momentOf(f.expiresAt, f.now, f.timeZone)
	in, err := inWords(l.expiry, "in", moment)
	if err != nil {
		return rendered{}, err
	}
	on, err := inWords(l.expiry, "on", moment)
	if err != nil {
		return rendered{}, err
	}
	data := Letter{Link: f.link, Look: f.look, Heading: Heading{
		Email: f.email, InviterName: f.inviterName, FromName: f.fromName,
		Title: f.look.Title, InviteeName: f.traits[f.nameTrait], Traits: f.traits,
		ExpiresAt: f.expiresAt.UTC(), ExpiresIn: in, ExpiresOn: on,
		Locale: f.locale, Language: l.language,
	}}

	if f.look.Logo != nil {
		data.LogoURL = "cid:" + logoID
	}

	var subject, text, body bytes.Buffer
	if err := l.subject.Execute(&subject, data.Heading); err != nil {
		return rendered{}, err
	}
	data.Subject = subjectLine(subject.String())
	if data.Subject == "" {
		return rendered{}, fmt.Errorf("%s gives an empty subject", l.subject.Name())
	}
	if err := errors.Join(l.text.Execute(&text, data), l.html.Execute(&body, data)); err != nil {
		return rendered{}, err
	}
	return rendered{
		language: l.language, subject: data.Subject,
		text: strings.TrimSpace(text.String()) + "\n", html: strings.TrimSpace(body.String()) + "\n",
	}, nil
}

// samples are letters that walk both ways of what may be empty.
func samples() []facts {
	full := facts{
		email: "invitee@example.com", inviterName: "Inviter", fromName: "Sender", locale: "en-GB",
		link:      "https://example.com/invitation?token=c2FtcGxl",
		expiresAt: time.Date(2030, 3, 5, 14, 0, 0, 0, time.UTC),
		now:       time.Date(2030, 3, 3, 14, 0, 0, 0, time.UTC),
	}
	full.look, _ = Look{Title: "Team"}.complete() // cannot fail
	full.traits, full.nameTrait = map[string]string{"name": "Invitee"}, "name"
	bare := full
	bare.inviterName, bare.fromName, bare.locale, bare.look.Title, bare.traits = "", "", "", "", nil
	full.look.Logo = []byte{}
	return []facts{full, bare}
}

// try renders the samples, so that what is wrong with a template is found
// before anybody waits for its letter.
func (l *letter) try() []error {
	var problems []error
	for _, sample := range samples() {
		out, err := l.render(sample)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if !strings.Contains(out.text, sample.link) {
			problems = append(problems, fmt.Errorf("%s does not show {{.Link}}", l.text.Name()))
		}
		if !strings.Contains(html.UnescapeString(out.html), sample.link) {
			problems = append(problems, fmt.Errorf("%s does not show {{.Link}}", l.html.Name()))
		}
	}
	if problem := l.tryZone(); problem != nil {
		return append(problems, problem)
	}
	for i := range 12 { // every weekday, month and unit has to have its word
		moment := Moment{
			Count: 1 + i, Unit: []string{"minute", "hour", "day"}[i%3],
			Weekday: time.Weekday(i % 7), Day: 1 + i, Month: time.Month(1 + i), Year: 2030, Clock: "14:00", Zone: "UTC",
		}
		for _, definition := range []string{"in", "on"} {
			words, err := inWords(l.expiry, definition, moment)
			if err == nil && words == "" {
				err = fmt.Errorf("%s does not say %q", l.expiry.Name(), definition)
			}
			if err != nil {
				return append(problems, err)
			}
		}
	}
	return problems
}

// tryZone refuses a time whose zone is not said: it is not always UTC.
func (l *letter) tryZone() error {
	on := func(clock, zone string) string {
		words, _ := inWords(l.expiry, "on", Moment{Count: 1, Unit: "day", Day: 1, Month: 1, Year: 2030, Clock: clock, Zone: zone})
		return words // an error is found by the caller's own samples
	}
	if on("14:00", "UTC") != on("15:00", "UTC") && on("14:00", "UTC") == on("14:00", "UTC+1") {
		return fmt.Errorf("%s shows {{.Clock}} and not its {{.Zone}}", l.expiry.Name())
	}
	return nil
}
