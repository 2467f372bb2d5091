package page

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
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
			switch {
			case err != nil:
			case v.Screen == ScreenForm:
				err = p.checkForm(doc.HTML)
			case v.Screen == ScreenContinue && p.kratos && !bytes.Contains(doc.HTML, []byte(v.Recovery.Code)):
				err = errors.New("the code is missing, which is not made again: send {{.Code}} to {{.FormURL}} or, if that is empty, show it")
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
// nothing optional; and the one with the code in both forms.
func samples() []Input {
	full := Input{
		Email: "jo@example.com", InviterName: "Sam", ExpiresAt: time.Date(2030, 5, 17, 9, 0, 0, 0, time.UTC),
		Policy: bridge.PasswordPolicy{MinLength: 8, CheckSimilarity: true, Breaches: noBreaches{}}, Identifiers: []string{"jo"},
		Problem: bridge.ErrTooManyRequests, Renewable: true, ContinueURL: "https://example.com/login", Redirect: true, RequestID: "1",
		Recovery: Recovery{FormURL: "https://kratos.example.com/self-service/recovery?flow=1", URL: "https://example.com/recovery?flow=1", Code: "123456"},
	}
	var views []Input
	for _, screen := range Screens() {
		full.Screen = screen
		views = append(views, full, Input{Screen: screen})
	}
	shown := full // the code, which is not sent
	shown.Screen, shown.Recovery.FormURL = ScreenContinue, ""
	return append(views, shown)
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

// checkForm reports whether a form is missing that an invitee needs to accept.
func (p *Page) checkForm(document []byte) error {
	password, kratos := false, false
	for _, control := range formControls(document) {
		password = password || control["name"] == "password"
		kratos = kratos || control["name"] == "method" && control["value"] == string(bridge.AcceptKratos)
	}
	switch {
	case p.password && !password:
		return errors.New(`the form is missing: it needs method="post", no action, and a field named password`)
	case p.kratos && !kratos:
		return errors.New(`the form is missing that accepts without a password: it needs method="post", no action, and a button named method with the value kratos`)
	}
	return nil
}

// hasForm reports whether a document has a form that sends a field to the page's own
// address.
func hasForm(document []byte, field string) bool {
	return slices.ContainsFunc(formControls(document), func(c map[string]string) bool { return c["name"] == field })
}

// formControls returns the attributes of all fields and buttons inside forms that
// are posted to the page itself.
func formControls(document []byte) (controls []map[string]string) {
	posts := false
	for z := html.NewTokenizer(bytes.NewReader(document)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return controls
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			attributes := map[string]string{}
			for _, a := range token.Attr {
				attributes[a.Key] = a.Val
			}
			switch token.Data {
			case "form":
				_, elsewhere := attributes["action"]
				posts = strings.EqualFold(attributes["method"], "post") && !elsewhere
			case "input", "button":
				if posts {
					controls = append(controls, attributes)
				}
			}
		default: // not an opening tag
		}
	}
}
