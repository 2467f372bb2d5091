package page

import (
	"bytes"
	"errors"
	"html/template"
	"slices"

	"golang.org/x/text/language"

	"invitebridge/bridge"
)

// Config customizes the page. The zero value is valid.
type Config struct {
	Title          string // the team or product, shown at the top of each page
	LogoPath       string // a PNG, JPEG, WebP or SVG file
	SupportAddress string // an email address or https URL where invitees get help
	// AccentColor is the color of buttons and links, as #rrggbb; empty means the
	// built-in one. AccentColorDark is its counterpart for dark mode; empty means
	// a lightened AccentColor, or the built-in one if both are empty.
	AccentColor, AccentColorDark string
	CSSPath                      string // a style sheet that is appended to the built-in one
	TemplateOverridePath         string // a directory with custom texts and templates
	// AcceptWith lists the ways to accept that the form offers. Empty: a password.
	AcceptWith []bridge.AcceptMethod
	// FormOrigins are the other origins that a form of the page may be sent to, or
	// redirected to from there: those of ScreenContinue.
	FormOrigins []string
}

// Page renders the invitee's page. It is safe for concurrent use.
type Page struct {
	title     string
	logo      template.URL
	style     template.CSS
	support   *Link
	template  *template.Template
	again     *template.Template // for ScreenAgain
	languages []translation      // English comes first
	matcher   language.Matcher
	policy    string
	// Which ways to accept the form offers.
	password, kratos bool
}

// Document is a rendered page with its response headers.
type Document struct {
	HTML                  []byte
	Language              string // the language tag, such as "en"
	ContentSecurityPolicy string // the value of the header
}

// New loads and tests everything that the configuration refers to, and reports
// all problems in one error.
func New(config Config) (*Page, error) {
	style, styleErr := loadStyle(config)
	logo, logoErr := loadLogo(config.LogoPath)
	support, supportErr := parseSupport(config.SupportAddress)
	sources, overrideErr := openSources(config.TemplateOverridePath)
	tmpl, templateErr := loadTemplate(sources)
	languages, languagesErr := loadLanguages(sources)
	err := errors.Join(styleErr, logoErr, supportErr, overrideErr, templateErr, languagesErr)
	if err != nil {
		return nil, err
	}
	p := &Page{
		title: config.Title, logo: logo, style: style, support: support, template: tmpl, again: tmpl,
		languages: languages, matcher: newMatcher(languages), policy: contentSecurityPolicy(style, config.FormOrigins),
		password: len(config.AcceptWith) == 0 || slices.Contains(config.AcceptWith, bridge.AcceptPassword),
		kratos:   slices.Contains(config.AcceptWith, bridge.AcceptKratos),
	}
	if err := p.selfTest(); err != nil {
		return nil, err
	}
	// A template of an earlier release does not know this form.
	if document, err := p.render(p.languages[0], Input{Screen: ScreenAgain}); err == nil && !hasForm(document.HTML, "email") {
		p.again, err = loadTemplate(sources[:1])
		return p, err
	}
	return p, nil
}

// Render renders a page in the reader's language: the best match for accepted,
// which is the value of an Accept-Language header, else for the invitation's
// locale, else English. Both may be empty or malformed.
func (p *Page) Render(accepted, locale string, v Input) (Document, error) {
	return p.render(p.language(accepted, locale), v)
}

func (p *Page) render(w translation, v Input) (Document, error) {
	var out bytes.Buffer
	tmpl := p.template
	if v.Screen == ScreenAgain {
		tmpl = p.again
	}
	if err := tmpl.Execute(&out, p.data(w, v)); err != nil {
		return Document{}, err
	}
	return Document{HTML: out.Bytes(), Language: w.tag.String(), ContentSecurityPolicy: p.policy}, nil
}
