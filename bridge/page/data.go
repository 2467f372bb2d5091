package page

import (
	"cmp"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Data is what a template receives. Field names are part of the override
// interface and do not change. Everything in it can be shown as it is:
// html/template escapes it.
type Data struct {
	Sight    Screen            // the screen
	Language string            // the tag, for the lang attribute
	Text     map[string]string // all texts of the language by key
	Heading  string            // of this screen
	Body     string            // of this screen; empty for the form
	Title    string            // the team or product; may be empty
	Logo     template.URL      // a data: URL; may be empty
	Style    template.CSS
	Script   template.JS
	Support  *Link // nil: none

	// The form, which offers at least one of the two. ScreenAgain has Email, as entered
	// before, and Faults.
	Password   bool // to choose a password
	Kratos     bool // to choose another way to sign in, later
	Email      string
	Invited    []Part // who invites to what; names are inserted values
	Until      string // the expiry for the datetime attribute; empty: unknown
	Valid      []Part // the expiry in words; the date is an inserted value
	Rules      []Rule
	Faults     []string // why the form is shown again; empty: not submitted yet
	FieldFault bool     // the problem is the password

	// Where to choose a way to sign in: the code goes to FormURL, or if that is
	// empty, the invitee enters it at ContinueURL.
	FormURL template.URL
	Code    string

	// The other screens.
	Renewable   bool
	ContinueURL template.URL // empty: no next step
	Redirect    bool
	RequestID   string
}

// Link is a link and its text.
type Link struct{ URL, Text string }

// Part is a piece of a text.
type Part struct {
	Text  string
	Given bool // an inserted value, such as a name, not the text itself
}

// Rule is a rule for passwords: min, max, similar or breached. The page cannot
// check breached, and max affects few users.
type Rule struct {
	Name   string
	Limit  int // in bytes, for min and max
	Text   string
	Broken string // the message for a password that violates the rule
	// Identifiers is a JSON list, for similar: what a password is compared with
	// in addition to Email.
	Identifiers string
}

func (p *Page) data(w translation, v Input) Data {
	d := Data{
		Sight: v.Screen, Language: w.tag.String(), Text: w.text,
		Heading: w.text[string(v.Screen)+"_heading"], Body: w.text[string(v.Screen)+"_text"],
		Title: p.title, Logo: p.logo, Style: p.style, Script: script, Support: p.support,
	}
	switch v.Screen {
	case ScreenForm:
		d.Password, d.Kratos = p.password, p.kratos
		d.Email = v.Email
		d.Invited = w.invited(v.InviterName, p.title, p.password)
		if !v.ExpiresAt.IsZero() {
			d.Until = v.ExpiresAt.UTC().Format(time.RFC3339)
			d.Valid = interpolate(w.text["valid_until"], "date", w.date(v.ExpiresAt, v.TimeZone))
		}
		if p.password {
			d.Rules = w.rules(v.Policy, v.Identifiers)
		}
		d.Faults, d.FieldFault = w.problemTexts(v.Problem)
	case ScreenAgain:
		d.Email = v.Email
		d.Faults, _ = w.problemTexts(v.Problem)
	case ScreenExpired:
		if d.Renewable = v.Renewable; v.Renewable {
			d.Body = w.text["expired_renew_text"]
		}
	case ScreenEarly:
		d.Body = strings.ReplaceAll(d.Body, "{date}", w.date(ceilMinute(v.From), v.TimeZone))
	case ScreenUnavailable:
		d.RequestID = v.RequestID
	case ScreenContinue:
		d.FormURL, d.ContinueURL, d.Code = safeURL(v.Recovery.FormURL), safeURL(v.Recovery.URL), v.Recovery.Code
		if d.FormURL == "" {
			d.Body = w.text["continue_code_text"]
		}
	case ScreenAccepted, ScreenRecover, ScreenDone, ScreenUnknown:
		d.ContinueURL = safeURL(v.ContinueURL)
		d.Redirect = v.Redirect && v.Screen == ScreenAccepted && d.ContinueURL != ""
		place := cmp.Or(p.title, v.Place)
		switch {
		case v.Screen == ScreenDone && p.kratos: // with either method
			d.Body = w.text["done_kratos_text"]
		case place != "" && d.ContinueURL == "" && (v.Screen == ScreenAccepted || v.Screen == ScreenDone):
			d.Body = strings.ReplaceAll(w.text["sign_in_now"], "{place}", place)
		}
	default: // heading and body are enough
	}
	return d
}

// ceilMinute rounds up to a full minute, because a page shows no seconds.
func ceilMinute(t time.Time) time.Time { return t.Add(time.Minute - 1).Truncate(time.Minute) }

// activeSchemes lists schemes whose links run or show something in place instead
// of opening another site. App schemes are allowed.
var activeSchemes = []string{"about", "blob", "data", "file", "javascript", "vbscript", "view-source"}

// safeURL returns an absolute URL, or "" if it is not safe to link to.
func safeURL(text string) template.URL {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" && !strings.Contains(u.Scheme, ".") || slices.Contains(activeSchemes, strings.ToLower(u.Scheme)) || u.Scheme == "" {
		return ""
	}
	return template.URL(u.String()) // #nosec G203 -- checked above, and the template still quotes it
}
