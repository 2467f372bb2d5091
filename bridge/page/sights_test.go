package page_test

import (
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

// TestSights has a browser show every sight in each language and scheme, in the
// narrowest window that counts, and checks it for people who do not see, hear
// or point as most do.
func TestSights(t *testing.T) {
	p := newPage(t, page.Config{Title: "Example", SupportAddress: "help@example.com"})
	weak := full(page.SightForm)
	weak.Problem = &bridge.Error{ID: bridge.ErrPasswordPolicy.ID, Messages: []bridge.UIText{{ID: 4000032, Type: "error", Context: map[string]any{"min_length": 12}}}}
	views := map[string]page.View{"weak": weak}
	for _, sight := range page.Sights() {
		v := full(sight)
		v.Redirect = false // it would lead away
		views[string(sight)] = v
	}
	for screen, browser := range map[string]pagetest.Options{
		"phone-light":   {Width: 320, Height: 640, Mobile: true, Language: "en"},
		"phone-dark":    {Width: 390, Height: 780, Mobile: true, Language: "de", Dark: true},
		"desktop-light": {Language: "de", Width: 1024, Height: 720},
		"desktop-dark":  {Language: "en", Width: 1024, Height: 720, Dark: true},
	} {
		t.Run(screen, func(t *testing.T) {
			for name, view := range views {
				t.Run(name, func(t *testing.T) { see(t, p, view, browser, name+"-"+screen) })
			}
		})
	}
}

// The flag has the pictures in docs/screenshots taken anew.
var _ = flag.Bool("update", false, "take the pictures anew")

func see(t *testing.T, p *page.Page, view page.View, browser pagetest.Options, picture string) {
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
