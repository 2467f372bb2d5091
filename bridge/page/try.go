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

// try renders every sight in every language, so that a template that fails, or
// has what browsers would refuse, is found at the start and not by an invitee.
func (p *Page) try() error {
	var errs []error
	for _, v := range samples() {
		for _, w := range p.languages {
			doc, err := p.render(w, v)
			if err == nil {
				err = p.inspect(doc.HTML)
			}
			if err == nil && v.Sight == SightForm {
				err = hasForm(doc.HTML)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("mend the template: %s in %s: %w", v.Sight, w.tag, err))
				break // the next language would tell the same
			}
		}
	}
	return errors.Join(errs...)
}

// samples has every sight, with all that it can show and with the least.
func samples() []View {
	full := View{
		Email: "jo@example.com", InviterName: "Sam", ExpiresAt: time.Date(2030, 5, 17, 9, 0, 0, 0, time.UTC),
		Policy: bridge.PasswordPolicy{MinLength: 8, CheckSimilarity: true, Breaches: noBreaches{}}, Identifiers: []string{"jo"},
		Problem: bridge.ErrTooMany, Renewable: true, ContinueURL: "https://example.com/login", Redirect: true, RequestID: "1",
	}
	var views []View
	for _, sight := range Sights() {
		full.Sight = sight
		views = append(views, full, View{Sight: sight})
	}
	return views
}

type noBreaches struct{}

func (noBreaches) Count(context.Context, string) (int, error) { return 0, nil }

// inspect refuses what the policy would keep browsers from using.
func (p *Page) inspect(document []byte) error {
	for z := html.NewTokenizer(bytes.NewReader(document)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return nil // the end
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			if err := inspectAttributes(token); err != nil {
				return err
			}
			if token.Data != "style" && token.Data != "script" {
				continue
			}
			z.Next()
			if text := string(z.Raw()); text != string(p.style) && text != string(script) {
				return fmt.Errorf("browsers will refuse this <%s>; its content must be {{.Style}} or {{.Script}} alone", token.Data)
			}
		default: // not a tag that opens
		}
	}
}

func inspectAttributes(tag html.Token) error {
	for _, a := range tag.Attr {
		fetched := a.Key == "src" || a.Key == "srcset" || a.Key == "poster" || a.Key == "data" || tag.Data == "link" && a.Key == "href"
		switch {
		case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
			return fmt.Errorf("browsers will refuse the attribute %s of <%s>; use a class, or css_path", a.Key, tag.Data)
		case fetched && !strings.HasPrefix(a.Val, "data:"):
			return fmt.Errorf("browsers will not fetch the %s of <%s>; put an image into the page as a data: URL, and style into css_path", a.Key, tag.Data)
		}
	}
	return nil
}

// hasForm looks for what an invitee cannot do without.
func hasForm(document []byte) error {
	var posts, asks bool
	for z := html.NewTokenizer(bytes.NewReader(document)); ; {
		switch z.Next() {
		case html.ErrorToken:
			if posts && asks {
				return nil
			}
			return errors.New(`the form is missing: it needs method="post", no action, and a field named password`)
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			attributes := map[string]string{}
			for _, a := range token.Attr {
				attributes[a.Key] = a.Val
			}
			_, elsewhere := attributes["action"]
			posts = posts || token.Data == "form" && strings.EqualFold(attributes["method"], "post") && !elsewhere
			asks = asks || posts && token.Data == "input" && attributes["name"] == "password"
		default: // not a tag that opens
		}
	}
}
