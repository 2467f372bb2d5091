package page

import (
	"cmp"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Data is what a template gets. All of it may be shown as it is; html/template
// makes it inert.
type Data struct {
	Sight    Sight
	Language string            // the tag, for the lang attribute
	Text     map[string]string // each text of the language by its key
	Heading  string            // of this sight
	Body     string            // of this sight; empty for the form
	Title    string            // of the team or its product; may be empty
	Logo     template.URL      // a data: URL; may be empty
	Style    template.CSS
	Script   template.JS
	Support  *Link // nil: none

	// The form.
	Email      string
	Invited    []Part // who invited, and to what; the names are given
	Until      string // for the datetime attribute; empty: not known
	Valid      []Part // until when in words; the date is given
	Rules      []Rule
	Faults     []string // why it is shown again; empty: it was not sent yet
	FieldFault bool     // the password is to be mended

	// The other sights.
	Renewable   bool
	ContinueURL template.URL // empty: no way on
	Redirect    bool
	RequestID   string
}

// Link is a link and its text.
type Link struct{ URL, Text string }

// Part is a piece of a text. Given pieces are not of the text itself, such as a
// name.
type Part struct {
	Text  string
	Given bool
}

// Rule is a rule for passwords: min, max, similar or breached. A page cannot
// tell whether a password keeps the last one, and max matters to few.
type Rule struct {
	Name   string
	Limit  int // in bytes, of min and max
	Text   string
	Broken string // what to say if a password breaks it
	// Identifiers is a JSON list, of similar: what a password is compared with
	// beside Email.
	Identifiers string
}

func (p *Page) data(w words, v View) Data {
	d := Data{
		Sight: v.Sight, Language: w.tag.String(), Text: w.text,
		Heading: w.text[string(v.Sight)+"_heading"], Body: w.text[string(v.Sight)+"_text"],
		Title: p.title, Logo: p.logo, Style: p.style, Script: script, Support: p.support,
	}
	switch v.Sight {
	case SightForm:
		d.Email = v.Email
		d.Invited = w.invited(v.InviterName, p.title)
		if !v.ExpiresAt.IsZero() {
			d.Until = v.ExpiresAt.UTC().Format(time.RFC3339)
			d.Valid = parts(w.text["valid_until"], "date", w.date(v.ExpiresAt, v.TimeZone))
		}
		d.Rules = w.rules(v.Policy, v.Identifiers)
		d.Faults, d.FieldFault = w.faults(v.Problem)
	case SightExpired:
		if d.Renewable = v.Renewable; v.Renewable {
			d.Body = w.text["expired_renew_text"]
		}
	case SightEarly:
		d.Body = strings.ReplaceAll(d.Body, "{date}", w.date(upToMinute(v.From), v.TimeZone))
	case SightUnavailable:
		d.RequestID = v.RequestID
	case SightAccepted, SightDone, SightUnknown:
		d.ContinueURL = harmless(v.ContinueURL)
		d.Redirect = v.Redirect && v.Sight == SightAccepted && d.ContinueURL != ""
		if place := cmp.Or(p.title, v.Place); place != "" && d.ContinueURL == "" && v.Sight != SightUnknown {
			d.Body = strings.ReplaceAll(w.text["sign_in_now"], "{place}", place)
		}
	default: // the words say it all
	}
	return d
}

// upToMinute rounds up: a page shows minutes only.
func upToMinute(t time.Time) time.Time { return t.Add(time.Minute - 1).Truncate(time.Minute) }

// activeSchemes are those whose links do something in the page instead of
// leading away from it. Schemes of apps are good.
var activeSchemes = []string{"about", "blob", "data", "file", "javascript", "vbscript", "view-source"}

// harmless gives an absolute URL, or nothing if it is not one to follow.
func harmless(text string) template.URL {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" && !strings.Contains(u.Scheme, ".") || slices.Contains(activeSchemes, strings.ToLower(u.Scheme)) || u.Scheme == "" {
		return ""
	}
	return template.URL(u.String()) // #nosec G203 -- looked at just now, and the template still quotes it
}
