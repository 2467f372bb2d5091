package page_test

import (
	"cmp"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/page"
	"invitebridge/bridge/page/pagetest"
)

func TestMain(m *testing.M) { os.Exit(pagetest.Main(m)) }

// TestScreens shows every screen in a browser, in light and dark mode and both
// languages, in the narrowest supported window, and checks accessibility.
func TestScreens(t *testing.T) {
	config := page.Config{Title: "Example", SupportAddress: "help@example.com"}
	p := newPage(t, config)
	config.AcceptWith = []bridge.AcceptMethod{bridge.AcceptPassword, bridge.AcceptKratos}
	either := newPage(t, config)
	config.AcceptWith = []bridge.AcceptMethod{bridge.AcceptKratos}
	kratos := newPage(t, config)
	weak := full(page.ScreenForm)
	weak.Problem = &bridge.Error{ID: bridge.ErrPasswordPolicyViolation.ID, Messages: []bridge.UIText{{ID: 4000032, Type: "error", Context: map[string]any{"min_length": 12}}}}
	sent := full(page.ScreenContinue)
	sent.Recovery.FormURL = "https://kratos.example.com/self-service/recovery?flow=1"
	views := map[string]page.Input{"weak": weak, "either": full(page.ScreenForm), "kratos": full(page.ScreenForm), "sent": sent}
	for _, screen := range page.Screens() {
		v := full(screen)
		v.Redirect = false // it would leave the page
		views[string(screen)] = v
	}
	for screen, browser := range map[string]pagetest.Options{
		"phone-light":   {Width: 320, Height: 640, Mobile: true, Language: "de"},
		"phone-dark":    {Width: 390, Height: 780, Mobile: true, Language: "en", Dark: true},
		"desktop-light": {Language: "en", Width: 1024, Height: 720},
		"desktop-dark":  {Language: "de", Width: 1024, Height: 720, Dark: true},
	} {
		t.Run(screen, func(t *testing.T) {
			for name, view := range views {
				p := cmp.Or(map[string]*page.Page{"either": either, "kratos": kratos}[name], p)
				t.Run(name, func(t *testing.T) { checkInBrowser(t, p, view, browser, name+"-"+screen) })
			}
		})
	}
}

var _ = flag.Bool("update", false, "update the pictures in docs/screenshots")

func checkInBrowser(t *testing.T, p *page.Page, view page.Input, browser pagetest.Options, picture string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		document, err := p.Render(r.Header.Get("Accept-Language"), "", view)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", document.ContentSecurityPolicy)
		_, _ = w.Write(document.HTML)
	}))
	defer server.Close()
	tab := pagetest.Open(t, browser)
	tab.Visit(server.URL)
	pagetest.Shot(tab, picture)
	for _, v := range pagetest.Check(tab) {
		t.Error(v)
	}
	log := tab.Log()
	for _, err := range []error{log.Quiet(), log.OneOrigin(server.URL), log.Under(30_000), log.Unblocked(), log.Exactly(1)} {
		if err != nil {
			t.Error(err)
		}
	}
}
