package page_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/page"
	"invitebridge/bridge/page/pagetest"
	"invitebridge/bridge/testenv"
)

// TestContinue_policy: a browser sends the code to each address that the configuration
// permits for Kratos, and follows the redirect.
func TestContinue_policy(t *testing.T) {
	for name, host := range map[string]string{"name": "localhost", "IPv4": "127.0.0.1"} {
		t.Run(name, func(t *testing.T) {
			arrived := make(chan struct{}, 1)
			kratos := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					http.Redirect(w, r, "/settings", http.StatusSeeOther)
					return
				}
				if r.URL.Path == "/settings" {
					select {
					case arrived <- struct{}{}:
					default:
					}
				}
				_, _ = w.Write([]byte("<!doctype html><title>settings</title><h1>settings</h1>"))
			}))
			t.Cleanup(kratos.Close)
			_, port, err := net.SplitHostPort(kratos.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			origin := "http://" + host + ":" + port
			p, err := page.New(page.Config{AcceptWith: []bridge.AcceptMethod{bridge.AcceptKratos}, FormOrigins: []string{origin}})
			if err != nil {
				t.Fatal(err)
			}
			own := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				d, err := p.Render("en", "", page.Input{Screen: page.ScreenContinue, Recovery: page.Recovery{
					URL: origin + "/recovery", FormURL: origin + "/self-service/recovery?flow=x", Code: "123456",
				}})
				if err != nil {
					t.Error(err)
				}
				w.Header().Set("Content-Security-Policy", d.ContentSecurityPolicy)
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				_, _ = w.Write(d.HTML)
			}))
			t.Cleanup(own.Close)
			tab := pagetest.Open(t, pagetest.Options{NoScript: true})
			tab.Visit(own.URL)
			tab.Click("form[data-follow] button")
			select {
			case <-arrived:
			case <-time.After(testenv.Limit):
				t.Errorf("the browser did not send the form to %s", origin)
			}
		})
	}
}

// TestContinue_missing: a template that neither sends nor shows the code is refused at
// startup, as one without the form is: the code is not made again.
func TestContinue_missing(t *testing.T) {
	const own = `<html><title>x</title><h1>{{.Heading}}</h1><form method="post"><input name="password"><button name="method" value="kratos">go</button></form>{{with .ContinueURL}}<a href="{{.}}">on</a>{{end}}`
	_, err := page.New(page.Config{
		TemplateOverridePath: folder(t, map[string]string{"page.gotmpl": own}),
		AcceptWith:           bridge.AcceptMethods(),
	})
	if err == nil {
		t.Error("a page is served on which the code of an acceptance is lost")
	}
}
