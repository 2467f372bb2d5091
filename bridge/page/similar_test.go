package page_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/page"
	"invitebridge/bridge/page/pagetest"
)

// TestSimilarAgrees: while a password is typed, the page marks the rule about
// similarity as met exactly if the server accepts the password.
func TestSimilarAgrees(t *testing.T) {
	v := full(page.ScreenForm)
	v.Email, v.Identifiers = "jo.doe@example.com", []string{"lovelace", "grüße-straße", `quo"te&<b>`, "+49 170 1234567"}
	p := newPage(t, page.Config{})
	server := serve(t, p, v)
	tab := pagetest.Open(t, pagetest.Options{})
	tab.Visit(server.URL)
	seen := map[bool]int{}
	for _, password := range []string{
		"LOVELACE", "l0v3l4c3", "l0v3l4c3!", "lovelace and more of it", "lovelace-1234567", "lovelace-12345678", "evolecal",
		"jo.doe@example.com", "JO.DOE@example.org", "example.com", "example.com and then some", "correct horse battery",
		"grüße-straße", "GRÜSSE-STRASSE", "Grüße-Straße", "grüße", "stra", "straße", "ßtraße-ßßßß", "üßüß-straße",
		`quo"te&<b>`, `QUO"TE`, "quo'te and others", "1234567", "170 1234567 and", "170 1234567 and more",
		"😀lovelace😀", "love😀lace", "lov", "xyz", "İstanbul lovelace", strings.Repeat("lovelace", 32), strings.Repeat("lovelace", 33),
	} {
		tab.Fill("#password", password)
		err := v.Policy.CheckSimilar(append([]string{v.Email}, v.Identifiers...), password)
		if err != nil && !errors.Is(err, bridge.ErrPasswordPolicyViolation) {
			t.Fatal(err)
		}
		seen[err == nil]++
		verdict := map[bool]string{true: "met", false: "broken"}[err == nil]
		tab.Await("[data-rule=similar]." + verdict)
	}
	t.Logf("%d accepted, %d rejected", seen[true], seen[false])
	if seen[true] < 8 || seen[false] < 8 {
		t.Error("too few of one kind to prove anything")
	}
}

// serve serves a page with one input.
func serve(t *testing.T, p *page.Page, v page.Input) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		document, err := p.Render("en", "", v)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", document.ContentSecurityPolicy)
		_, _ = w.Write(document.HTML)
	}))
	t.Cleanup(server.Close)
	return server
}
