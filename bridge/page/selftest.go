package page

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/net/html"

	"invitebridge/bridge"
)

// selfTest renders every screen in every language, so that a template that fails,
// or contains what browsers would refuse, is found at startup and not by an
// invitee.
func (p *Page) selfTest() error {
	var errs []error
	for _, v := range samples() {
		for _, w := range p.languages {
			doc, err := p.render(w, v)
			if err == nil {
				err = p.checkMarkup(doc.HTML)
			}
			if err == nil && v.Screen == ScreenForm {
				err = checkForm(doc.HTML)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("fix the template: %s in %s: %w", v.Screen, w.tag, err))
				break // other languages would fail in the same way
			}
		}
	}
	return errors.Join(errs...)
}

// samples returns every screen twice: with everything it can show, and with
// nothing optional.
func samples() []Input {
	full := Input{
		Email: "jo@example.com", InviterName: "Sam", ExpiresAt: time.Date(2030, 5, 17, 9, 0, 0, 0, time.UTC),
		Policy: bridge.PasswordPolicy{MinLength: 8, CheckSimilarity: true, Breaches: noBreaches{}}, Identifiers: []string{"jo"},
		Problem: bridge.ErrTooManyRequests, Renewable: true, ContinueURL: "https://example.com/login", Redirect: true, RequestID: "1",
	}
	var views []Input
	for _, screen := range Screens() {
		full.Screen = screen
		views = append(views, full, Input{Screen: screen})
	}
	return views
}

type noBreaches struct{}

func (noBreaches) Count(context.Context, string) (int, error) { return 0, nil }

// checkMarkup rejects markup that the content security policy blocks.
func (p *Page) checkMarkup(document []byte) error {
	for z := html.NewTokenizer(bytes.NewReader(document)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return nil // the end
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			if err := checkAttributes(token); err != nil {
				return err
			}
			if token.Data != "style" && token.Data != "script" {
				continue
			}
			z.Next()
			if text := string(z.Raw()); text != string(p.style) && text != string(script) {
				return fmt.Errorf("browsers will refuse this <%s>; its content must be {{.Style}} or {{.Script}} alone", token.Data)
			}
		default: // not an opening tag
		}
	}
}

func checkAttributes(tag html.Token) error {
	for _, a := range tag.Attr {
		fetched := a.Key == "src" || a.Key == "srcset" || a.Key == "poster" || a.Key == "data" || tag.Data == "link" && a.Key == "href"
		switch {
		case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
			return fmt.Errorf("browsers will refuse the attribute %s of <%s>; use a class, or css_path", a.Key, tag.Data)
		case fetched && !strings.HasPrefix(a.Val, "data:"):
			return fmt.Errorf("browsers will not fetch the %s of <%s>; embed images as data: URLs, and put style into css_path", a.Key, tag.Data)
		}
	}
	return nil
}

// checkForm reports whether the form is missing, without which an invitee cannot
// accept.
func checkForm(document []byte) error {
	if hasForm(document, "password") {
		return nil
	}
	return errors.New(`the form is missing: it needs method="post", no action, and a field named password`)
}

// hasForm reports whether a document has a form that sends a field to the page's own
// address.
func hasForm(document []byte, field string) bool {
	var posts, asks bool
	for z := html.NewTokenizer(bytes.NewReader(document)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return posts && asks
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			attributes := map[string]string{}
			for _, a := range token.Attr {
				attributes[a.Key] = a.Val
			}
			_, elsewhere := attributes["action"]
			posts = posts || token.Data == "form" && strings.EqualFold(attributes["method"], "post") && !elsewhere
			asks = asks || posts && token.Data == "input" && attributes["name"] == field
		default: // not an opening tag
		}
	}
}
