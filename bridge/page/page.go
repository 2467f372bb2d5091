package page

import (
	"bytes"
	"errors"
	"html/template"

	"golang.org/x/text/language"
)

// Config is how a team makes the page its own. Its zero value is good.
type Config struct {
	Title          string // of the team or its product, in the head of each page
	LogoPath       string // of an image, PNG, JPEG, WebP or SVG
	SupportAddress string // an e-mail address or an https URL, where people get help
	// AccentColor is of buttons and links, as #rrggbb; empty: the built-in one.
	// AccentColorDark is the same on a dark ground; empty: a lighter AccentColor,
	// or the built-in one if both are empty.
	AccentColor, AccentColorDark string
	CSSPath                      string // of a style sheet that goes after the built-in one
	TemplateOverridePath         string // of a directory with templates of the team's own
}

// Page renders. It is safe for concurrent use.
type Page struct {
	title     string
	logo      template.URL
	style     template.CSS
	support   *Link
	template  *template.Template
	languages []words // English is the first
	matcher   language.Matcher
	policy    string
}

// Document is a page to be sent, and what a browser may do with it.
type Document struct {
	HTML                  []byte
	Language              string // the tag it is written in, such as "en"
	ContentSecurityPolicy string // the value of the header
}

// New reads and tries all that the configuration names, and tells all its
// problems at once.
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
		title: config.Title, logo: logo, style: style, support: support, template: tmpl,
		languages: languages, matcher: newMatcher(languages), policy: contentSecurityPolicy(style),
	}
	if err := p.try(); err != nil {
		return nil, err
	}
	return p, nil
}

// Render gives a page in the language of the reader: the best of what
// accepted, the value of an Accept-Language header, asks for, else the
// invitation's locale, else English. Both may be empty or nonsense.
func (p *Page) Render(accepted, locale string, v View) (Document, error) {
	return p.render(p.language(accepted, locale), v)
}

func (p *Page) render(w words, v View) (Document, error) {
	var out bytes.Buffer
	if err := p.template.Execute(&out, p.data(w, v)); err != nil {
		return Document{}, err
	}
	return Document{HTML: out.Bytes(), Language: w.tag.String(), ContentSecurityPolicy: p.policy}, nil
}
